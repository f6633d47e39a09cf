/* Swift does not see the parts of the C library that are not POSIX. */
#define _GNU_SOURCE
#include "spawn_alone.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int pipe_alone(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

static void connect_file(posix_spawn_file_actions_t *actions, int file, int to) {
    if (to >= 0) posix_spawn_file_actions_adddup2(actions, to, file);
    else posix_spawn_file_actions_addopen(actions, file, "/dev/null", O_RDWR, 0);
}

int spawn_alone(
    pid_t *pid, const char *program, char *const arguments[], char *const environment[], const char *folder, int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    connect_file(&actions, STDIN_FILENO, input);
    connect_file(&actions, STDOUT_FILENO, output);
    connect_file(&actions, STDERR_FILENO, output);
    if (folder) posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

    /* The threads that tests run on block signals. A group of its own: a terminal's Ctrl-C is for the tests. */
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

    int status = posix_spawn(pid, program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}
