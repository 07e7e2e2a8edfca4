/* The tables that stacks are read by: what is written by hand, and what is damaged at random. Nothing is read
 * beyond their end, and what cannot be understood has no row. The argument is a library (unwind_plugin.c). */
#include "unit.h"

#include "base/round_up.h"
#include "profile/loaded.h"
#include "profile/unwind_rows.h"
#include "profile/unwind_rules.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- numbers ---- */

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

/* Returns a reader of these bytes, behind which nothing can be read. */
static unwind_reader reader_of(const void *bytes, size_t size) {
  static uint8_t *page;
  if (!page) {
    page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && mprotect(page + PAGE, PAGE, PROT_NONE) == 0);
  }
  memcpy(page + PAGE - size, bytes, size);
  return (unwind_reader){.at = page + PAGE - size, .end = page + PAGE};
}

#define READER(...) reader_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

TEST(numbers_are_read_as_they_are_written) {
  unwind_reader r = READER(0x7f, 0xe5, 0x8e, 0x26, 0x9b, 0xf1, 0x59, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12);
  assert_int_equal(unwind_read_unsigned(&r), 127);
  assert_int_equal(unwind_read_unsigned(&r), 624485);
  assert_int_equal(unwind_read_signed(&r), -624485);
  assert_int_equal(unwind_read_fixed(&r, 2), 0x1234);
  assert_int_equal(unwind_read_fixed(&r, 4), 0x12345678);
  assert_true(r.at == r.end && !r.failed);
  r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x7f);
  assert_true(unwind_read_unsigned(&r) == UINT64_MAX);
  assert_int_equal(unwind_read_signed(&r), -1);
  assert_true(r.at == r.end && !r.failed);
}

TEST(behind_the_end_there_are_no_numbers) {
  unwind_reader r = READER(0x80, 0x80, 0xff);
  unwind_read_unsigned(&r);
  assert_true(r.failed && r.at == r.end);
  r = READER(0xff);
  unwind_read_signed(&r);
  assert_true(r.failed);
  r = READER(1, 2, 3);
  assert_int_equal(unwind_read_fixed(&r, 4), 0);
  assert_true(r.failed);
  assert_int_equal(unwind_read_fixed(&r, 1), 0);
  r = READER(1, 2, 3);
  unwind_skip(&r, UINT64_MAX);
  assert_true(r.failed && r.at == r.end);
}

/* ---- instructions ---- */

static const uint8_t usual[] = {0x0c, 7, 8, 0x90,
                                1}; /* the CFA is rsp + 8, and the return address just below */

/* Runs instructions, and the usual ones before, for the address so far into the function. */
static bool run(const uint8_t *bytes, size_t size, uintptr_t into, unwind_rules *out) {
  unwind_code code = {.common = {.at = usual, .end = usual + sizeof usual},
                      .own = reader_of(bytes, size),
                      .code_factor = 1,
                      .data_factor = -8,
                      .from = 1000};
  return unwind_rules_at(&code, 1000 + into, out);
}

#define RUN(into, out, ...)                                                                                  \
  run((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), into, out)

TEST(rules_hold_from_their_address_on) {
  unwind_rules rules;
  for (uintptr_t into = 0; into < 600; into++) {
    /* push rbp; at 4, mov rbp, rsp; at 260, leave */
    assert_true(RUN(into, &rules, 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x03, 0, 1, 0x0c, 7, 8, 0xc6));
    assert_int_equal(rules.cfa_register, into < 4 || into >= 260 ? UNWIND_SP : UNWIND_BP);
    assert_int_equal(rules.cfa_offset, into < 1 || into >= 260 ? 8 : 16);
    assert_int_equal(rules.bp.kind, into < 1 || into >= 260 ? UNWIND_RULE_SAME : UNWIND_RULE_SAVED);
    assert_true(rules.return_address.kind == UNWIND_RULE_SAVED && rules.return_address.offset == -8);
  }
}

TEST(rules_are_remembered) {
  unwind_rules rules;
  assert_true(RUN(9, &rules, 0x0a, 0x0e, 48, 0x86, 3, 0x0a, 0x0e, 99, 0x0b, 0x41));
  assert_int_equal(rules.cfa_offset, 48);
  assert_true(rules.bp.kind == UNWIND_RULE_SAVED && rules.bp.offset == -24);
  assert_true(RUN(9, &rules, 0x0a, 0x0e, 48, 0x86, 3, 0x0a, 0x0e, 99, 0x0b, 0x0b));
  assert_int_equal(rules.cfa_offset, 8);
  assert_int_equal(rules.bp.kind, UNWIND_RULE_SAME);
  assert_false(RUN(9, &rules, 0x0a, 0x0b, 0x0b));
  uint8_t many[100];
  memset(many, 0x0a, sizeof many);
  assert_true(run(many, 8, 9, &rules));
  assert_false(run(many, 9, 9, &rules));
  assert_false(run(many, sizeof many, 9, &rules));
}

TEST(what_is_not_known_or_not_complete_has_no_rules) {
  unwind_rules rules;
  static const uint8_t unknown[] = {0x01, 0x17, 0x1d, 0x2d, 0x2f, 0x3f};
  for (size_t i = 0; i < COUNT_OF(unknown); i++)
    assert_false(RUN(9, &rules, unknown[i], 0, 0, 0, 0));
  static const uint8_t all[] = {0x0c, 7, 0x80, 1, 0x86, 2, 0x05, 6,    2,   0x16,
                                3,    2, 0,    0, 0x0f, 3, 0x76, 0x78, 0x06};
  for (size_t size = 0; size <= sizeof all; size++) {
    bool complete = size == 0 || size == 4 || size == 6 || size == 9 || size == 14 || size == sizeof all;
    assert_int_equal(run(all, size, 9, &rules), complete);
  }
  assert_true(rules.cfa_is_stored && rules.cfa_register == UNWIND_BP && rules.cfa_offset == -8);
}

/* ---- all of an object's tables ---- */

/* A copy of an object's segments, with nothing to be read behind its end. */
typedef struct copy {
  loaded_object object;
  const loaded_object *original;
  uint8_t *pages;
  size_t size;
} copy;

static void make_copy(const loaded_object *o, copy *out) {
  size_t length = round_up(o->to - o->from, sizeof(uint64_t)), page = (size_t)sysconf(_SC_PAGESIZE);
  out->size = round_up(length + page, page);
  out->pages = mmap(NULL, out->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(out->pages != MAP_FAILED && mprotect(out->pages + out->size, page, PROT_NONE) == 0);
  uintptr_t from = (uintptr_t)out->pages + out->size - length, moved = from - o->from;
  out->original = o;
  out->object = *o;
  out->object.from += moved;
  out->object.to += moved;
  out->object.bias += moved;
  out->object.frame_header += moved;
}

/* Makes the copy what the original is. */
static void restore(copy *c) {
  for (size_t i = 0; i < c->original->header_count; i++) {
    const Elf64_Phdr *segment = &c->original->headers[i];
    if (segment->p_type == PT_LOAD)
      memcpy((void *)(c->object.bias + segment->p_vaddr), (void *)(c->original->bias + segment->p_vaddr),
             segment->p_memsz);
  }
  loaded_read_headers(&c->object);
}

static unwind_row row_in_copy(const copy *c, uintptr_t address) {
  return unwind_rows_in(&c->object, address - c->original->from + c->object.from);
}

/* Changes some bytes of the tables, mostly at their begin, or of the headers. */
static void damage(copy *c, uint64_t *random) {
  loaded_bytes tables;
  CHECK(loaded_bytes_at(c->original, c->original->frame_header, &tables));
  bool is_headers = unit_random(random) % 8 == 0;
  uint8_t *from = (uint8_t *)(is_headers ? c->object.from : c->object.frame_header);
  size_t size = is_headers ? sizeof(Elf64_Ehdr) + c->original->header_count * sizeof(Elf64_Phdr)
                : unit_random(random) % 4 ? (size_t)(tables.end - tables.at)
                                          : 64;
  for (size_t bytes = 1 + unit_random(random) % 6; bytes > 0; bytes--) {
    uint64_t value = unit_random(random);
    from[unit_random(random) % size] = value % 3 ? (uint8_t)(value >> 8) : value & 8 ? 0xff : 0;
  }
}

/* Has all addresses of a stretch of text looked up in the copy. Returns how many have a row. */
static size_t count_rows(const copy *c, uintptr_t from, uintptr_t to, size_t step, bool as_in_original) {
  size_t known = 0;
  for (uintptr_t address = from; address < to; address += step) {
    unwind_row row = row_in_copy(c, address);
    CHECK(row >> UNWIND_ROW_BITS == 0 && unwind_row_kind(row) > UNWIND_NO_ROW &&
          unwind_row_kind(row) <= UNWIND_STORED);
    CHECK(!as_in_original || row == unwind_rows_in(c->original, address));
    known += unwind_row_kind(row) > UNWIND_UNKNOWN;
  }
  return known;
}

static void damage_tables_of(const void *inside, int rounds) {
  loaded_object object;
  uint64_t random = 1;
  copy c;
  CHECK(loaded_find((uintptr_t)inside, &object));
  const Elf64_Phdr *text = loaded_segment(&object, (uintptr_t)inside);
  uintptr_t from = object.bias + text->p_vaddr, size = text->p_memsz;
  make_copy(&object, &c);
  restore(&c);
  CHECK(count_rows(&c, from, from + size, 1 + size / 20000, true) > 0);
  CHECK(unwind_row_kind(row_in_copy(&c, from + size - 1)) ==
        UNWIND_UNKNOWN); /* _fini, behind all functions */
  for (int round = 0; round < rounds; round++) {
    restore(&c);
    for (size_t i = 1 + unit_random(&random) % 3; i > 0; i--)
      damage(&c, &random);
    loaded_read_headers(&c.object);
    count_rows(&c, from, from + size, 1 + size / 200, false);
  }
  munmap(c.pages, c.size + (size_t)sysconf(_SC_PAGESIZE));
}

static struct {
  const char *library, *function;
  int rounds;
} damaged[] = {{NULL, "plugin_call", 20000}, {"libz.so.1", "deflate", 2000}};

TEST(damaged_tables_are_read_within_their_bounds) {
#ifndef __x86_64__
  SKIP("there are no rows");
#endif
  if (!loaded_is_lock_free())
    SKIP("the C library has no _dl_find_object");
  for (size_t i = 0; i < COUNT_OF(damaged); i++) {
    void *handle = dlopen(damaged[i].library, RTLD_NOW | RTLD_LOCAL);
    void *function = handle ? dlsym(handle, damaged[i].function) : NULL;
    if (function)
      damage_tables_of(function, UNIT_SANITIZED ? damaged[i].rounds / 10 : damaged[i].rounds);
    if (handle)
      dlclose(handle);
  }
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_read_as_they_are_written),
      cmocka_unit_test(behind_the_end_there_are_no_numbers),
      cmocka_unit_test(rules_hold_from_their_address_on),
      cmocka_unit_test(rules_are_remembered),
      cmocka_unit_test(what_is_not_known_or_not_complete_has_no_rules),
      cmocka_unit_test(damaged_tables_are_read_within_their_bounds),
  };
  CHECK(count == 2);
  damaged[0].library = arguments[1];
  loaded_start();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
