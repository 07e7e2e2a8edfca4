/* Reads an object's .eh_frame_hdr and .eh_frame (Linux Standard Base, 10.6; DWARF 4, 6.4): finds the function
 * that holds an address in the sorted table, and the rules for its frame (unwind_rules.c). */
#include "profile/unwind_rows.h"

#include "profile/unwind_reader.h"
#include "profile/unwind_rules.h"

#include <string.h>

/* How a pointer is encoded: its form in the low four bits, and what it is relative to in the next three. */
#define POINTER_FORM     0x0f
#define POINTER_RELATIVE 0x70
#define POINTER_HERE     0x10
#define POINTER_OMITTED  0xff

static bool open_at(const loaded_object *o, uintptr_t address, unwind_reader *out) {
  loaded_bytes bytes;
  if (!loaded_bytes_at(o, address, &bytes))
    return false;
  *out = (unwind_reader){.at = bytes.at, .end = bytes.end};
  return true;
}

/* Opens what a CIE or FDE has behind its length. */
static bool open_entry(const loaded_object *o, uintptr_t address, unwind_reader *out) {
  if (!open_at(o, address, out))
    return false;
  uint64_t length = unwind_read_fixed(out, 4);
  if (out->failed || length == 0 || length > (size_t)(out->end - out->at)) /* 64-bit lengths are too long */
    return false;
  out->end = out->at + length;
  return true;
}

/* ---- pointers ---- */

/* Returns the size of an encoded pointer (bytes), and whether it has a sign; 0: of another form. */
static size_t pointer_size(unsigned encoding, bool *is_signed) {
  *is_signed = encoding & 8;
  switch (encoding & POINTER_FORM) {
  case 0x0:
  case 0x4:
  case 0xc:
    return 8;
  case 0x3:
  case 0xb:
    return 4;
  case 0x2:
  case 0xa:
    return 2;
  default:
    return 0;
  }
}

static bool skip_pointer(unwind_reader *r, unsigned encoding) {
  bool is_signed;
  size_t size = pointer_size(encoding, &is_signed);
  if (encoding != POINTER_OMITTED)
    unwind_skip(r, size);
  return (size || encoding == POINTER_OMITTED) && !r->failed;
}

/* Reads the addresses that an FDE is for: where they begin, and how many they are. */
static bool read_addresses(unwind_reader *r, unsigned encoding, uintptr_t *from, uintptr_t *size) {
  uintptr_t here = (uintptr_t)r->at;
  bool is_signed;
  size_t bytes = pointer_size(encoding, &is_signed);
  unsigned relative = encoding & ~POINTER_FORM;
  if (!bytes || (relative && relative != POINTER_HERE))
    return false;
  uint64_t pointer = unwind_read_fixed(r, bytes);
  if (is_signed && bytes == 4)
    pointer = (uint64_t)(int32_t)pointer;
  else if (is_signed && bytes == 2)
    pointer = (uint64_t)(int16_t)pointer;
  *from = pointer + (relative ? here : 0);
  *size = unwind_read_fixed(r, bytes);
  return !r->failed;
}

/* ---- entries ---- */

typedef struct cie {
  unwind_code code; /* what holds for all of its FDEs */
  unsigned encoding;
  bool has_data; /* its FDEs have augmentation data */
} cie;

/* Reads the augmentation data, of which each letter stands for a part. Signal frames are left to others. */
static bool read_augmentation(unwind_reader *r, const char *letters, cie *out) {
  unwind_reader data = *r;
  if (*letters == 0)
    return true;
  if (*letters != 'z')
    return false;
  out->has_data = true;
  uint64_t size = unwind_read_unsigned(r);
  data.at = r->at;
  unwind_skip(r, size);
  data.end = r->at;
  for (letters++; *letters && !r->failed; letters++) {
    if (*letters == 'R')
      out->encoding = (unsigned)unwind_read_fixed(&data, 1);
    else if (*letters == 'L')
      unwind_skip(&data, 1);
    else if (*letters != 'P' || !skip_pointer(&data, (unsigned)unwind_read_fixed(&data, 1)))
      return false;
  }
  return !r->failed && !data.failed;
}

static bool read_cie(const loaded_object *o, uintptr_t address, cie *out) {
  unwind_reader r;
  *out = (cie){0};
  if (!open_entry(o, address, &r) || unwind_read_fixed(&r, 4) != 0)
    return false;
  uint64_t version = unwind_read_fixed(&r, 1);
  const uint8_t *letters = r.at, *end = memchr(letters, 0, (size_t)(r.end - r.at));
  if ((version != 1 && version != 3) || !end)
    return false;
  r.at = end + 1;
  out->code.code_factor = unwind_read_unsigned(&r);
  out->code.data_factor = unwind_read_signed(&r);
  uint64_t return_register = version == 1 ? unwind_read_fixed(&r, 1) : unwind_read_unsigned(&r);
  if (return_register != UNWIND_RETURN_ADDRESS || !read_augmentation(&r, (const char *)letters, out))
    return false;
  out->code.common = r;
  return true;
}

/* Reads the FDE, whose CIE is so many bytes before the field that says so. */
static bool read_fde(const loaded_object *o, uintptr_t fde, uintptr_t address, unwind_code *out) {
  unwind_reader r;
  if (!open_entry(o, fde, &r))
    return false;
  uintptr_t field = (uintptr_t)r.at, size;
  uint64_t distance = unwind_read_fixed(&r, 4);
  cie common;
  if (r.failed || distance == 0 || !read_cie(o, field - distance, &common))
    return false;
  *out = common.code;
  if (!read_addresses(&r, common.encoding, &out->from, &size) || address - out->from >= size)
    return false;
  if (common.has_data)
    unwind_skip(&r, unwind_read_unsigned(&r));
  out->own = r;
  return !r.failed;
}

/* ---- the table ---- */

/* The header's version, and how its fields are encoded: the pointer to .eh_frame (relative to itself, 4
 * bytes), the count (4 bytes), and the table (relative to the header, 4 bytes). Every linker writes it so. */
static const uint8_t usual_header[] = {1, 0x1b, 0x03, 0x3b};

static int32_t table_number(const uint8_t *at) {
  int32_t number;
  memcpy(&number, at, sizeof number);
  return number;
}

/* Finds the last FDE that begins at the address or before: pairs of an address and an FDE, in the order of
 * the addresses, and all relative to the header. */
static bool find_fde(const loaded_object *o, uintptr_t address, uintptr_t *fde) {
  unwind_reader r;
  if (!o->frame_header || !open_at(o, o->frame_header, &r) || (size_t)(r.end - r.at) < sizeof usual_header ||
      memcmp(r.at, usual_header, sizeof usual_header) != 0)
    return false;
  unwind_skip(&r, sizeof usual_header + 4);
  uint64_t count = unwind_read_fixed(&r, 4), low = 0;
  if (r.failed || count > (size_t)(r.end - r.at) / 8)
    return false;
  intptr_t wanted = (intptr_t)(address - o->frame_header);
  for (uint64_t high = count; low < high;) {
    uint64_t middle = (low + high) / 2;
    if (table_number(r.at + 8 * middle) <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0)
    return false;
  *fde = o->frame_header + (uintptr_t)(intptr_t)table_number(r.at + 8 * (low - 1) + 4);
  return true;
}

/* ---- rows ---- */

static unwind_row make_row(unwind_kind kind, int64_t offset, int64_t saved) {
  bool fits = offset % 8 == 0 && offset >= -(INT64_C(1) << 21) && offset < INT64_C(1) << 21 &&
              saved % 8 == 0 && saved >= 0 && saved < 1 << 11;
  return fits ? (unwind_row)kind << 27 | ((unwind_row)(offset / 8) & 0x7ffff) << 8 | (unwind_row)(saved / 8)
              : (unwind_row)UNWIND_UNKNOWN << 27;
}

/* Returns how far below the CFA the caller's rbp is (bytes), 0 if it was not changed, and -1 if that cannot
 * be told so. */
static int64_t saved_below(const unwind_rules *rules) {
  const unwind_rule *bp = &rules->bp;
  switch (bp->kind) {
  case UNWIND_RULE_SAME:
  case UNWIND_RULE_UNDEFINED:
    return 0;
  case UNWIND_RULE_SAVED:
    return bp->offset < 0 && bp->offset >= -(1 << 11) ? -bp->offset : -1;
  case UNWIND_RULE_AT_BP:
    return rules->cfa_register == UNWIND_BP && rules->cfa_offset > 0 ? rules->cfa_offset : -1;
  default:
    return -1;
  }
}

/* Returns the row that says what the rules do. */
static unwind_row row_of(const unwind_rules *rules) {
  const unwind_rule *ra = &rules->return_address;
  if (ra->kind == UNWIND_RULE_UNDEFINED)
    return make_row(UNWIND_OUTERMOST, 0, 0);
  if (ra->kind != UNWIND_RULE_SAVED || ra->offset != -8)
    return make_row(UNWIND_UNKNOWN, 0, 0);
  if (rules->cfa_is_stored)
    return make_row(rules->bp.kind == UNWIND_RULE_AT_BP ? UNWIND_STORED : UNWIND_UNKNOWN, rules->cfa_offset,
                    0);
  if (rules->cfa_register == UNWIND_BP)
    return make_row(UNWIND_BY_BP, rules->cfa_offset, saved_below(rules));
  if (rules->cfa_register == UNWIND_SP)
    return make_row(UNWIND_BY_SP, rules->cfa_offset, saved_below(rules));
  return make_row(UNWIND_UNKNOWN, 0, 0);
}

unwind_row unwind_rows_in(const loaded_object *o, uintptr_t address) {
  uintptr_t fde;
  unwind_code code;
  unwind_rules rules;
  if (!find_fde(o, address, &fde) || !read_fde(o, fde, address, &code) ||
      !unwind_rules_at(&code, address, &rules))
    return make_row(UNWIND_UNKNOWN, 0, 0);
  return row_of(&rules);
}

unwind_row unwind_rows_work_out(uintptr_t address) {
  loaded_object object;
  if (!loaded_find(address, &object))
    return make_row(UNWIND_UNKNOWN, 0, 0);
  return unwind_rows_in(&object, address);
}
