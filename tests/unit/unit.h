/* What the unit tests share: sentences as test names, checks that work in threads and forked children,
 * contents that can be verified, and a small random generator.
 *
 * cmocka's assertions belong to the main thread of the process that runs the tests; CHECK is for everywhere
 * else: it says what failed and ends the process. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNIT_ASAN 1
#else
#define UNIT_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define UNIT_TSAN 1
#else
#define UNIT_TSAN 0
#endif
#define UNIT_SANITIZED (UNIT_ASAN || UNIT_TSAN)

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A test; `state` is what its entry in the group says. */
#define TEST(name) static void name(__attribute__((unused)) void **state)

/* The entry of a test that runs once for a thing, named after it. */
#define TEST_WITH(test, what, thing)                                                                         \
  { #test " (" what ")", test, NULL, NULL, (void *)(uintptr_t)(thing) }

#define CHECK(condition) ((condition) ? (void)0 : unit_check_failed(__FILE__, __LINE__, #condition))
__attribute__((noreturn)) void unit_check_failed(const char *file, int line, const char *condition);

/* Skip the running test and say why. */
#define SKIP(why) (print_message("skipped: %s\n", why), skip())

/* What an emulator cannot do; the build for another processor says that there is one. */
#define SKIP_IF_EMULATED(why)                                                                                \
  if (getenv("ARROWPOOL_EMULATED"))                                                                          \
  SKIP("emulated: " why)

/* Skips what needs the range that there is without limits: one is a quarter of the addresses that RLIMIT_AS
 * leaves, or less. */
#define SKIP_IF_ADDRESSES_ARE_FEW()                                                                          \
  if (!unit_has_addresses(512 * GIB))                                                                        \
  SKIP("addresses are limited: the range is small")
bool unit_has_addresses(int64_t bytes);

/* Run `body` in a forked child that ends with _exit(0). True if it got that far. */
bool unit_in_child(void (*body)(void));

/* Run `count` threads to their end, each with its index. */
void unit_run_threads(int count, void *(*body)(void *index));

/* Contents derived from a tag and the offset: all of a buffer up to 32 KiB; of a larger one its begin, its
 * end, and something of each page. `written` is the size the contents were written with. */
void unit_write(uint8_t *buffer, int64_t size, uint64_t tag);
bool unit_matches(const uint8_t *buffer, int64_t written, int64_t upto, uint64_t tag);

/* Calls `visit` with each line that smaps has about the mappings in [from, from + size). */
void unit_smaps(const void *from, size_t size, void (*visit)(const char *line, void *context), void *context);

/* Returns the sum of a field of theirs (bytes), such as "Rss"; -1: none of them has it. */
int64_t unit_smaps_sum(const char *field, const void *from, size_t size);

static inline bool unit_aligned(const void *pointer, int64_t alignment) {
  return (uintptr_t)pointer % (uintptr_t)alignment == 0;
}

/* splitmix64: the state is any number. */
static inline uint64_t unit_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

#endif
