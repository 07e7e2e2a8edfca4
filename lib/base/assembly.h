/* ASSEMBLY_FUNCTION(symbol, type, instructions) defines a function that is written in instructions, for what
 * no compiler promises of C. `symbol` is a name, and the others are texts: the assembler's word for functions
 * ("@function" or "%function"), and the instructions with what unwinders need between. */
#ifndef ARROWPOOL_BASE_ASSEMBLY_H
#define ARROWPOOL_BASE_ASSEMBLY_H

#define ASSEMBLY_FUNCTION(symbol, type, instructions)                                                        \
  __asm__(".pushsection .text\n"                                                                             \
          ".globl " #symbol "\n"                                                                             \
          ".type " #symbol ", " type "\n"                                                                    \
          ".balign 16\n" #symbol ":\n"                                                                       \
          ".cfi_startproc\n" instructions ".cfi_endproc\n"                                                   \
          ".size " #symbol ", . - " #symbol "\n"                                                             \
          ".popsection");

#endif
