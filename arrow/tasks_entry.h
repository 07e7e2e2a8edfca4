/* ARROW_TASKS_ENTRY(symbol, wrap, index) defines a function that stands for ThreadPool::SpawnReal: it calls
 *
 *     void *wrap(void *task, unsigned index)
 *
 * with the address of the FnOnce that is to be run, and jumps to what that returned, with all arguments as
 * they came. So nothing here depends on the TaskHints, on how a Status is returned, or on exceptions. All
 * three are names or numbers as written. Where branches are guarded (CET, BTI), an indirect call may arrive
 * there.
 *
 * The arguments are the address of the result, the pool, the hints, the task, a stop token and a callback.
 * Hints are more than 16 bytes: on x86-64 they are a copy on the stack, on aarch64 the address of one is an
 * argument. Only tasks.c includes this. */
#ifndef ARROWPOOL_ARROW_TASKS_ENTRY_H
#define ARROWPOOL_ARROW_TASKS_ENTRY_H

#include "base/assembly.h"

#define ARROW_TASKS_FUNCTION(symbol, type, instructions)                                                     \
  __attribute__((visibility("hidden"))) void symbol(void);                                                   \
  ASSEMBLY_FUNCTION(symbol, type, instructions)

#if defined(__x86_64__)
#define ARROW_TASKS_PUSH(name) "pushq %" name "\n.cfi_adjust_cfa_offset 8\n"
#define ARROW_TASKS_POP(name)  "popq %" name "\n.cfi_adjust_cfa_offset -8\n"
#define ARROW_TASKS_ENTRY(symbol, wrap, index)                                                               \
  ARROW_TASKS_FUNCTION(symbol, "@function",                                                                  \
                       "endbr64\n" ARROW_TASKS_PUSH("rdi") ARROW_TASKS_PUSH("rsi") ARROW_TASKS_PUSH("rdx")   \
                           ARROW_TASKS_PUSH("rcx")                                                           \
                               ARROW_TASKS_PUSH("r8") "movq %rdx, %rdi\n"                                    \
                                                      "movl $" #index ", %esi\n"                             \
                                                      "call " #wrap "\n"                                     \
                                                      "movq %rax, %r11\n" ARROW_TASKS_POP("r8")              \
                                                          ARROW_TASKS_POP("rcx") ARROW_TASKS_POP("rdx")      \
                                                              ARROW_TASKS_POP("rsi")                         \
                                                                  ARROW_TASKS_POP("rdi") "jmp *%r11\n")
#else
#define ARROW_TASKS_ENTRY(symbol, wrap, index)                                                               \
  ARROW_TASKS_FUNCTION(symbol, "%function",                                                                  \
                       "hint #34 /* bti c */\n"                                                              \
                       "stp x29, x30, [sp, #-64]!\n"                                                         \
                       ".cfi_def_cfa_offset 64\n"                                                            \
                       ".cfi_offset x29, -64\n"                                                              \
                       ".cfi_offset x30, -56\n"                                                              \
                       "mov x29, sp\n"                                                                       \
                       "stp x0, x1, [sp, #16]\n"                                                             \
                       "stp x2, x3, [sp, #32]\n"                                                             \
                       "stp x4, x8, [sp, #48]\n"                                                             \
                       "mov x0, x2\n"                                                                        \
                       "mov w1, #" #index "\n"                                                               \
                       "bl " #wrap "\n"                                                                      \
                       "mov x16, x0\n"                                                                       \
                       "ldp x0, x1, [sp, #16]\n"                                                             \
                       "ldp x2, x3, [sp, #32]\n"                                                             \
                       "ldp x4, x8, [sp, #48]\n"                                                             \
                       "ldp x29, x30, [sp], #64\n"                                                           \
                       ".cfi_restore x29\n"                                                                  \
                       ".cfi_restore x30\n"                                                                  \
                       ".cfi_def_cfa_offset 0\n"                                                             \
                       "br x16\n")
#endif

#endif
