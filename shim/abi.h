/* How C++ returns an object that is not trivially copyable, such as arrow::Status: in memory whose address
 * the caller passes. The few lines that depend on the processor.
 *
 * ABI_ENTRY(symbol, body) defines a function that C++ can call, of up to four arguments; `body` does its
 * work:
 *
 *     ABI_BODY(body)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result);
 *
 * `a` is the object where the function is a method, and what the function does not have is arbitrary. All
 * arguments are integers or pointers. */
#ifndef ARROWPOOL_ABI_H
#define ARROWPOOL_ABI_H

#include <stdint.h>

/* What a call of such a function from C is declared to return: more than 16 bytes, so that C passes an
 * address too. arrow::Status is one pointer, NULL for success; the rest stays unwritten. */
typedef struct abi_object {
  void *state;
  void *unused[2];
} abi_object;

#if defined(__x86_64__)
#define ABI_KNOWN      1
#define ABI_BODY(body) static inline __attribute__((always_inline)) void body
#define ABI_ENTRY(symbol, body)                                                                              \
  void **symbol(void **result, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e);             \
  void **symbol(void **result, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) {            \
    body(a, b, c, d, e, result);                                                                             \
    return result;                                                                                           \
  }
#else
#define ABI_KNOWN 0
#endif

#endif
