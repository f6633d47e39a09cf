/* Counts what each thread asks of the C library's heap, Swift's objects and buffers among it. Linked into a test program, its
 * malloc stands before the library's. */
#ifndef GUDOK_ALLOCATIONS_H
#define GUDOK_ALLOCATIONS_H

#include <stdint.h>

/* Allocations of the calling thread since it began. */
uint64_t allocations_of_this_thread(void);

#endif
