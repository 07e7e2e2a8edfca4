/* ABI_ENTRY on x86-64, where the address of the result is a first argument before the others, and is
 * returned. Only abi.h includes this. */
#define ABI_ENTRY(symbol, seen, body)                                                                        \
  __attribute__((visibility(seen))) void **symbol(void **result, uintptr_t a, uintptr_t b, uintptr_t c,      \
                                                  uintptr_t d, uintptr_t e);                                 \
  void **symbol(void **result, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) {            \
    body(a, b, c, d, e, result);                                                                             \
    return result;                                                                                           \
  }
