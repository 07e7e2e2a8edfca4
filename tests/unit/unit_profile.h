/* What the tests of profiles share: a profile of each test's own, and what lives, as it is and as it is
 * estimated.
 *
 * Whether a buffer is sampled is drawn at random. The tests compare an estimate with what is true by the
 * spread that the theory gives it, six times of which one run in a billion passes. */
#ifndef UNIT_PROFILE_H
#define UNIT_PROFILE_H

#include "unit.h"

#include "pool/pool_quick.h"
#include "pool/pool_samples.h"
#include "profile/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEAN   (16 * KIB)
#define SIGMAS 6

static char directory[] = "/tmp/arrowpool-test-profile-XXXXXX";

static inline void complain(const char *file, const char *problem) {
  fprintf(stderr, "%s: %s\n", file, problem);
  abort();
}

/* One process has one profile: each test begins its own in a child. */
static inline void begin(int64_t mean) {
  profile_wanted wanted = {
      .directory = directory, .keep = true, .mean = mean, .with = PROFILE_WITH_NATIVE, .complain = complain};
  CHECK(pool_samples_start(&wanted));
}

#define IN_CHILD(name)                                                                                       \
  static void name##_body(void);                                                                             \
  TEST(name) { assert_true(unit_in_child(name##_body)); }                                                    \
  static void name##_body(void)

/* What lives: the truth, the estimate, and the estimate's variance, which has to be of the truth. */
typedef struct sums {
  double bytes, estimate, variance;
  int64_t records;
} sums;

/* A buffer of which `exposed` bytes had their chance is sampled with 1 - exp(-exposed / mean). */
static inline void add_truth(sums *s, int64_t size, int64_t exposed) {
  double sampled = -expm1(-(double)exposed / (double)stream_mean);
  s->bytes += (double)size;
  s->variance += (double)size * (double)size * (1 - sampled) / sampled;
}

static inline void add_records(sums *s) {
  const profile_header *h = store_header();
  for (uint32_t i = 1; h && i < h->sections[PROFILE_RECORDS].used; i++) {
    const profile_record *r = store_record(PROFILE_RECORDS, i);
    if (!r->address)
      continue;
    CHECK(r->size && r->stack < h->sections[PROFILE_STACKS].used && r->exposure > 0);
    s->estimate += (double)r->size * records_weight(r->exposure);
    s->records++;
  }
}

static inline void check_sums(sums s) {
  add_records(&s);
  CHECK(fabs(s.estimate - s.bytes) <= SIGMAS * sqrt(s.variance) + 1);
  CHECK(s.bytes > 0 || !s.records);
}

static inline void *take(arrowpool_pool *pool, int64_t size) {
  void *buffer;
  if (!pool_quick_allocate(pool, size, &buffer))
    CHECK(pool_allocate(pool, size, 64, &buffer) == ARROWPOOL_OK);
  return buffer;
}

static inline void give(arrowpool_pool *pool, void *buffer, int64_t size) {
  if (!pool_quick_free(pool, buffer, size))
    pool_free(pool, buffer,
              pool_get_config(pool)->size_source == POOL_SIZE_FROM_CALLER ? size : POOL_SIZE_UNKNOWN, 64);
}

static inline int make_directory(void **state) {
  (void)state;
  return mkdtemp(directory) ? 0 : -1;
}

static inline int remove_directory(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  return system(command);
}

#endif
