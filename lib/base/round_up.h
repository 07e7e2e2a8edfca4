/* Sizes and addresses at multiples of a unit: pages, and what else is a power of two. */
#ifndef ARROWPOOL_BASE_ROUND_UP_H
#define ARROWPOOL_BASE_ROUND_UP_H

#include <stddef.h>

/* Returns the first multiple of `alignment` (a power of two) that is not less than `size`. */
static inline size_t round_up(size_t size, size_t alignment) {
  return (size + alignment - 1) & ~(alignment - 1);
}

#endif
