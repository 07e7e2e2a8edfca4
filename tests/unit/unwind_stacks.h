/* Stacks for the tests, and the same by libgcc. */
#ifndef UNWIND_STACKS_H
#define UNWIND_STACKS_H

#include "unwind_shapes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STACKS_MOST 1024 /* frames */

/* Setups of a group of tests: from here on the stacks are read by rows, or, as with an old C library, by
 * libgcc: see stacks_by_rows. */
int stacks_use_rows(void **state);
int stacks_use_libgcc(void **state);

/* Returns whether they are read by rows: on x86-64 only. */
bool stacks_by_rows(void);

/* Returns how often an object was looked for since the last call. */
int stacks_looked_up(void);

/* Writes the return addresses from the caller's on as _Unwind_Backtrace tells them. Returns how many. */
size_t stacks_reference(uint64_t *out, size_t most);

/* Writes those that unwind_stack tells. */
size_t stacks_here(uint64_t *out, size_t most);

/* A leaf: ends the program unless unwind_stack tells what the reference does. The innermost addresses are of
 * two calls in the leaf itself, so only the function must be the same. */
void stacks_compare(unwind_script *s);

/* Makes a random stack of so many functions, and calls the leaf. */
void stacks_make(uint64_t seed, int functions, void (*leaf)(unwind_script *s));

#endif
