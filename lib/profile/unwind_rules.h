/* Runs the instructions of a CIE and an FDE (DWARF 4, 6.4.2), as far as they say where a caller's return
 * address and rbp are. It is for x86-64. */
#ifndef ARROWPOOL_PROFILE_UNWIND_RULES_H
#define ARROWPOOL_PROFILE_UNWIND_RULES_H

#include "profile/unwind_reader.h"

#include <stdbool.h>
#include <stdint.h>

/* Registers by their numbers in DWARF. */
enum { UNWIND_BP = 6, UNWIND_SP = 7, UNWIND_RETURN_ADDRESS = 16, UNWIND_NO_REGISTER = 255 };

/* The instructions for a function. */
typedef struct unwind_code {
  unwind_reader common, own; /* of the CIE, and of the FDE */
  uint64_t code_factor;
  int64_t data_factor;
  uintptr_t from; /* where the function begins */
} unwind_code;

/* Where a caller's register is. */
typedef struct unwind_rule {
  enum {
    UNWIND_RULE_SAME,      /* it was not changed */
    UNWIND_RULE_SAVED,     /* at the CFA plus the offset (bytes) */
    UNWIND_RULE_AT_BP,     /* where rbp points to */
    UNWIND_RULE_UNDEFINED, /* it is lost: of the return address, there is no caller */
    UNWIND_RULE_OTHER
  } kind;
  int64_t offset;
} unwind_rule;

typedef struct unwind_rules {
  uint64_t cfa_register;
  int64_t cfa_offset; /* bytes */
  bool cfa_is_stored; /* the CFA is what lies at the offset from the register, not that address */
  unwind_rule bp, return_address;
  unwind_rule others; /* of all other registers: nobody asks */
} unwind_rules;

/* Finds the rules for the frame of a call at the address. Returns false if an instruction is not known, or
 * missing. */
bool unwind_rules_at(const unwind_code *code, uintptr_t address, unwind_rules *out);

#endif
