/* ABI_ENTRY on aarch64, where the address of the result is in x8, which C cannot name. A few instructions in
 * front of the function hand it on as an eighth argument; nobody looks at what lies between. Where branches
 * are guarded (BTI), an indirect call may arrive there. Only abi.h includes this. */
#define ABI_ENTRY(symbol, seen, body)                                                                        \
  __attribute__((visibility(seen))) void symbol(void);                                                       \
  __attribute__((visibility("hidden"))) void symbol##_c(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,  \
                                                        uintptr_t e, uintptr_t, uintptr_t, void **result);   \
  void symbol##_c(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,                           \
                  __attribute__((unused)) uintptr_t x5, __attribute__((unused)) uintptr_t x6,                \
                  void **result) {                                                                           \
    body(a, b, c, d, e, result);                                                                             \
  }                                                                                                          \
  __asm__(".pushsection .text\n"                                                                             \
          ".globl " #symbol "\n"                                                                             \
          ".type " #symbol ", %function\n"                                                                   \
          ".balign 4\n" #symbol ":\n"                                                                        \
          ".cfi_startproc\n"                                                                                 \
          "hint #34 /* bti c */\n"                                                                           \
          "mov x7, x8\n"                                                                                     \
          "b " #symbol "_c\n"                                                                                \
          ".cfi_endproc\n"                                                                                   \
          ".size " #symbol ", . - " #symbol "\n"                                                             \
          ".popsection");
