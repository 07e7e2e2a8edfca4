/* An interpreter of call frame instructions. Names of instructions are DWARF's, without DW_CFA_. */
#include "profile/unwind_rules.h"

#define REMEMBERED_MOST 8 /* compilers nest once */

enum {
  ADVANCE_LOC = 0x40, /* these three have an operand in their low six bits */
  OFFSET = 0x80,
  RESTORE = 0xc0,
  NOP = 0x00,
  ADVANCE_LOC1 = 0x02,
  ADVANCE_LOC2 = 0x03,
  ADVANCE_LOC4 = 0x04,
  OFFSET_EXTENDED = 0x05,
  RESTORE_EXTENDED = 0x06,
  UNDEFINED = 0x07,
  SAME_VALUE = 0x08,
  REGISTER = 0x09,
  REMEMBER_STATE = 0x0a,
  RESTORE_STATE = 0x0b,
  DEF_CFA = 0x0c,
  DEF_CFA_REGISTER = 0x0d,
  DEF_CFA_OFFSET = 0x0e,
  DEF_CFA_EXPRESSION = 0x0f,
  EXPRESSION = 0x10,
  OFFSET_EXTENDED_SF = 0x11,
  DEF_CFA_SF = 0x12,
  DEF_CFA_OFFSET_SF = 0x13,
  VAL_OFFSET = 0x14,
  VAL_OFFSET_SF = 0x15,
  VAL_EXPRESSION = 0x16,
  GNU_ARGS_SIZE = 0x2e
};

/* In expressions: rbp plus an offset, and what lies there. */
enum { OP_BREG_BP = 0x70 + UNWIND_BP, OP_DEREF = 0x06 };

typedef struct machine {
  unwind_reader code;
  uint64_t code_factor;
  int64_t data_factor;
  uintptr_t location, wanted; /* addresses: what the rules hold from, and where they are wanted */
  unwind_rules now, initial;
  unwind_rules remembered[REMEMBERED_MOST];
  unsigned remembered_count;
} machine;

static unwind_rule *rule_of(unwind_rules *rules, uint64_t number) {
  return number == UNWIND_BP               ? &rules->bp
         : number == UNWIND_RETURN_ADDRESS ? &rules->return_address
                                           : &rules->others;
}

static void set(machine *m, uint64_t number, int kind, int64_t offset) {
  unwind_rule *rule = rule_of(&m->now, number);
  rule->kind = kind;
  rule->offset = offset;
}

static void restore(machine *m, uint64_t number) {
  *rule_of(&m->now, number) = *rule_of(&m->initial, number);
}

static int64_t factored(const machine *m, uint64_t number) {
  return (int64_t)(number * (uint64_t)m->data_factor);
}

static int64_t read_factored(machine *m) { return factored(m, unwind_read_unsigned(&m->code)); }
static int64_t read_factored_signed(machine *m) {
  return factored(m, (uint64_t)unwind_read_signed(&m->code));
}

/* Reads an expression, and returns whether it is rbp plus an offset, and then perhaps what lies there. */
static bool read_expression(machine *m, int64_t *offset, bool *is_stored) {
  uint64_t size = unwind_read_unsigned(&m->code);
  unwind_reader r = m->code;
  unwind_skip(&m->code, size);
  if (m->code.failed)
    return false;
  r.end = m->code.at;
  uint64_t first = unwind_read_fixed(&r, 1);
  *offset = unwind_read_signed(&r);
  *is_stored = r.at < r.end && unwind_read_fixed(&r, 1) == OP_DEREF;
  return first == OP_BREG_BP && !r.failed && r.at == r.end;
}

static bool run_about_register(machine *m, uint64_t code) {
  uint64_t number = unwind_read_unsigned(&m->code);
  int64_t offset;
  bool is_stored;
  switch (code) {
  case OFFSET_EXTENDED:
    set(m, number, UNWIND_RULE_SAVED, read_factored(m));
    return true;
  case OFFSET_EXTENDED_SF:
    set(m, number, UNWIND_RULE_SAVED, read_factored_signed(m));
    return true;
  case RESTORE_EXTENDED:
    restore(m, number);
    return true;
  case UNDEFINED:
    set(m, number, UNWIND_RULE_UNDEFINED, 0);
    return true;
  case SAME_VALUE:
    set(m, number, UNWIND_RULE_SAME, 0);
    return true;
  case EXPRESSION:
    if (read_expression(m, &offset, &is_stored) && offset == 0 && !is_stored)
      set(m, number, UNWIND_RULE_AT_BP, 0);
    else
      set(m, number, UNWIND_RULE_OTHER, 0);
    return true;
  case VAL_EXPRESSION:
    unwind_skip(&m->code, unwind_read_unsigned(&m->code));
    set(m, number, UNWIND_RULE_OTHER, 0);
    return true;
  case REGISTER:
  case VAL_OFFSET:
  case VAL_OFFSET_SF:
    unwind_read_unsigned(&m->code);
    set(m, number, UNWIND_RULE_OTHER, 0);
    return true;
  default:
    return false;
  }
}

static void set_cfa(machine *m, uint64_t number, int64_t offset) {
  m->now.cfa_register = number;
  m->now.cfa_offset = offset;
  m->now.cfa_is_stored = false;
}

static bool run_about_cfa(machine *m, uint64_t code) {
  uint64_t number = m->now.cfa_register;
  switch (code) {
  case DEF_CFA:
    number = unwind_read_unsigned(&m->code);
    set_cfa(m, number, (int64_t)unwind_read_unsigned(&m->code));
    return true;
  case DEF_CFA_SF:
    number = unwind_read_unsigned(&m->code);
    set_cfa(m, number, read_factored_signed(m));
    return true;
  case DEF_CFA_REGISTER:
    set_cfa(m, unwind_read_unsigned(&m->code), m->now.cfa_offset);
    return true;
  case DEF_CFA_OFFSET:
    set_cfa(m, number, (int64_t)unwind_read_unsigned(&m->code));
    return true;
  case DEF_CFA_OFFSET_SF:
    set_cfa(m, number, read_factored_signed(m));
    return true;
  case DEF_CFA_EXPRESSION:
    m->now.cfa_register = UNWIND_BP;
    if (!read_expression(m, &m->now.cfa_offset, &m->now.cfa_is_stored))
      set_cfa(m, UNWIND_NO_REGISTER, 0);
    return true;
  default:
    return run_about_register(m, code);
  }
}

static void advance(machine *m, uint64_t by) { m->location += by * m->code_factor; }

static bool run_one(machine *m, uint64_t code) {
  switch (code) {
  case NOP:
    return true;
  case ADVANCE_LOC1:
    advance(m, unwind_read_fixed(&m->code, 1));
    return true;
  case ADVANCE_LOC2:
    advance(m, unwind_read_fixed(&m->code, 2));
    return true;
  case ADVANCE_LOC4:
    advance(m, unwind_read_fixed(&m->code, 4));
    return true;
  case REMEMBER_STATE:
    if (m->remembered_count == REMEMBERED_MOST)
      return false;
    m->remembered[m->remembered_count++] = m->now;
    return true;
  case RESTORE_STATE:
    if (m->remembered_count == 0)
      return false;
    m->now = m->remembered[--m->remembered_count];
    return true;
  case GNU_ARGS_SIZE:
    unwind_read_unsigned(&m->code);
    return true;
  default:
    return run_about_cfa(m, code);
  }
}

/* Runs instructions to their end, or to those for addresses behind the wanted one. */
static bool run(machine *m, unwind_reader code) {
  bool done = true;
  m->code = code;
  while (done && !m->code.failed && m->code.at < m->code.end && m->location <= m->wanted) {
    uint64_t byte = unwind_read_fixed(&m->code, 1), low = byte & 0x3f;
    switch (byte & 0xc0) {
    case ADVANCE_LOC:
      advance(m, low);
      break;
    case OFFSET:
      set(m, low, UNWIND_RULE_SAVED, read_factored(m));
      break;
    case RESTORE:
      restore(m, low);
      break;
    default:
      done = run_one(m, low);
    }
  }
  return done && !m->code.failed;
}

bool unwind_rules_at(const unwind_code *code, uintptr_t address, unwind_rules *out) {
  machine m;
  m.code_factor = code->code_factor;
  m.data_factor = code->data_factor;
  m.location = code->from;
  m.wanted = address;
  m.now = m.initial = (unwind_rules){0};
  m.remembered_count = 0;
  if (!run(&m, code->common))
    return false;
  m.initial = m.now;
  m.location = code->from;
  if (!run(&m, code->own))
    return false;
  *out = m.now;
  return true;
}
