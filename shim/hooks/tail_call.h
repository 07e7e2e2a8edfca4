/* TAIL_CALL(symbol, adjust) defines a function of two arguments that C can call, and whose caller the next
 * function still sees as its own: it has `adjust` compute the second argument from both and the return
 * address, and jumps to the target that this says, with the return address as it was. No compiler promises
 * that of a call written in C. Both are names; the jump may be the target of an indirect branch where these
 * are guarded (CET, BTI). */
#ifndef ARROWPOOL_SHIM_HOOKS_TAIL_CALL_H
#define ARROWPOOL_SHIM_HOOKS_TAIL_CALL_H

#include "base/assembly.h"

/* What `adjust` returns, in two registers. */
typedef struct tail_call {
  long second;  /* the argument, an int */
  void *target; /* a function */
} tail_call;

#if defined(__x86_64__)
#define TAIL_CALL(symbol, adjust)                                                                            \
  ASSEMBLY_FUNCTION(symbol, "@function",                                                                     \
                    "endbr64\n"                                                                              \
                    "pushq %rdi\n"                                                                           \
                    ".cfi_adjust_cfa_offset 8\n"                                                             \
                    "movq 8(%rsp), %rdx\n"                                                                   \
                    "call " #adjust "\n"                                                                     \
                    "popq %rdi\n"                                                                            \
                    ".cfi_adjust_cfa_offset -8\n"                                                            \
                    "movl %eax, %esi\n"                                                                      \
                    "jmp *%rdx\n")
#elif defined(__aarch64__)
#define TAIL_CALL(symbol, adjust)                                                                            \
  ASSEMBLY_FUNCTION(symbol, "%function",                                                                     \
                    "hint #34 /* bti c */\n"                                                                 \
                    "stp x29, x30, [sp, #-32]!\n"                                                            \
                    ".cfi_def_cfa_offset 32\n"                                                               \
                    ".cfi_offset x29, -32\n"                                                                 \
                    ".cfi_offset x30, -24\n"                                                                 \
                    "mov x29, sp\n"                                                                          \
                    "str x0, [sp, #16]\n"                                                                    \
                    "mov x2, x30\n"                                                                          \
                    "bl " #adjust "\n"                                                                       \
                    "mov x16, x1\n"                                                                          \
                    "mov w1, w0\n"                                                                           \
                    "ldr x0, [sp, #16]\n"                                                                    \
                    "ldp x29, x30, [sp], #32\n"                                                              \
                    ".cfi_restore x29\n"                                                                     \
                    ".cfi_restore x30\n"                                                                     \
                    ".cfi_def_cfa_offset 0\n"                                                                \
                    "br x16\n")
#elif defined(__riscv) && __riscv_xlen == 64
#define TAIL_CALL(symbol, adjust)                                                                            \
  ASSEMBLY_FUNCTION(symbol, "@function",                                                                     \
                    "addi sp, sp, -16\n"                                                                     \
                    ".cfi_def_cfa_offset 16\n"                                                               \
                    "sd ra, 8(sp)\n"                                                                         \
                    ".cfi_offset ra, -8\n"                                                                   \
                    "sd a0, 0(sp)\n"                                                                         \
                    "mv a2, ra\n"                                                                            \
                    "call " #adjust "\n"                                                                     \
                    "mv t1, a1\n"                                                                            \
                    "mv a1, a0\n"                                                                            \
                    "ld a0, 0(sp)\n"                                                                         \
                    "ld ra, 8(sp)\n"                                                                         \
                    ".cfi_restore ra\n"                                                                      \
                    "addi sp, sp, 16\n"                                                                      \
                    ".cfi_def_cfa_offset 0\n"                                                                \
                    "jr t1\n")
#endif

#endif
