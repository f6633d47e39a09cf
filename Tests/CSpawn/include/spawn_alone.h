#pragma once
#include <sys/types.h>

/* A pipe that no other program inherits: ends[0] is read, ends[1] is written. 0, or an error's number. */
int pipe_alone(int ends[2]);

/* Starts a program that has no file but its input and its output, -1 for none. 0, or an error's number. `folder` may be null. */
int spawn_alone(
    pid_t *pid, const char *program, char *const arguments[], char *const environment[], const char *folder, int input, int output);
