/* How C++ returns an object that is not trivially copyable, such as arrow::Status: in memory whose address
 * the caller passes. The few lines that depend on the processor are in a file for each.
 *
 * ABI_ENTRY(symbol, seen, body) defines a function that C++ can call, of up to five arguments and with that
 * visibility; `body` does its work:
 *
 *     ABI_BODY(body)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result);
 *
 * `a` is the object where the function is a method, and what the function does not have is arbitrary. All
 * arguments are integers or pointers. __builtin_return_address(0) is the caller's. */
#ifndef ARROWPOOL_ARROW_ABI_H
#define ARROWPOOL_ARROW_ABI_H

#include <stdint.h>

/* The type that a call of such a function from C is declared to return: it has more than 16 bytes, so that C
 * passes an address too. arrow::Status is one pointer, NULL for success; the rest stays unwritten. */
typedef struct abi_object {
  void *state;
  void *unused[2];
} abi_object;

#define ABI_BODY(body) static inline __attribute__((always_inline)) void body

/* ABI_KNOWN tells whether there is an ABI_ENTRY. ABI_FORCE_UNKNOWN is for trying how it is without. */
#if defined(__x86_64__) && defined(__LP64__) && !defined(ABI_FORCE_UNKNOWN)
#define ABI_KNOWN 1
#include "arrow/abi_x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__) && !defined(ABI_FORCE_UNKNOWN)
#define ABI_KNOWN 1
#include "arrow/abi_aarch64.h"
#else
#define ABI_KNOWN 0
#endif

#endif
