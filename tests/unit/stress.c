/* Stress, verified: threads allocate, grow, shrink and free buffers of a pool through the C API, check what
 * is in them, hand them to each other, end and begin again; at the end the pool's statistics must be exact.
 *
 *   stress THREADS AMOUNT MAX_LOG2 [seed=N] [pool=jemalloc|system] [fork] [debug] [profile]
 *
 * AMOUNT is a number of operations over all threads, or a time: "60s". Buffers have up to 2^MAX_LOG2 bytes.
 * With `fork`, threads fork meanwhile: the child checks and resizes the buffers of its thread, allocates, and
 * leaves with _exit(0). At the end what is resident has to be live, but for rounding. With `debug` the pool
 * is guarded, and the first finding aborts. With `profile` a sample of the buffers is kept, of which nothing
 * may be left at the end. The same seed gives each thread the same operations; how threads
 * interleave is left to chance. Ends the process at the first mismatch, else prints one line. */
#include "unit.h"

#include "arrowpool.h"
#include "memory/range.h"
#include "profile/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
#define ITEMS       24   /* of a thread */
#define SHARED      64   /* places where threads exchange items */
#define LIFE        3000 /* operations after which a thread ends and another goes on with its work */
#define BUDGET      (768 * MIB)

typedef struct item {
  uint8_t *buffer; /* NULL: none */
  int64_t size, alignment;
  uint64_t tag;
} item;

/* What a worker did, to be compared with what the pool counted. */
typedef struct account {
  int64_t allocations, bytes, reallocations, frees;
} account;

typedef struct worker {
  uint64_t random;
  int64_t operations, left; /* left: to be done; by time: never used up */
  item *items[ITEMS];
  account done;
  pthread_t thread;
} worker;

static struct {
  int threads, max_log2;
  bool fork, debug, profile, by_time;
  int64_t amount; /* operations, or seconds */
  uint64_t seed;
  arrowpool_backend backend;
} plan = {.backend = ARROWPOOL_BACKEND_JEMALLOC};

static arrowpool_pool *pool;
static worker workers[MAX_THREADS];
static item all_items[MAX_THREADS * ITEMS + SHARED];
static item *_Atomic shared[SHARED];
static _Atomic int64_t live;
static int64_t deadline;

static int64_t seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec;
}

static uint64_t pick(worker *w, uint64_t below) { return unit_random(&w->random) % below; }

/* Small and large alike: the logarithm is what is even. */
static int64_t pick_size(worker *w) {
  int64_t log2 = 6 + (int64_t)pick(w, (uint64_t)plan.max_log2 - 6);
  return ((int64_t)1 << log2) + (int64_t)pick(w, (uint64_t)1 << log2);
}

static int64_t pick_alignment(worker *w) {
  static const int64_t alignments[] = {64, 64, 64, 64, 64, 256, 4096, 2 * MIB};
  return alignments[pick(w, COUNT_OF(alignments))];
}

static bool is_intact(const item *i, int64_t upto) { return unit_matches(i->buffer, i->size, upto, i->tag); }

/* ---- operations ---- */

static void create(worker *w, item *i) {
  i->size = pick_size(w);
  i->alignment = pick_alignment(w);
  i->tag = unit_random(&w->random);
  CHECK(arrowpool_allocate(pool, i->size, i->alignment, &i->buffer) == ARROWPOOL_OK);
  CHECK(unit_aligned(i->buffer, i->alignment));
  unit_write(i->buffer, i->size, i->tag);
  live += i->size;
  w->done.allocations++;
  w->done.bytes += i->size;
}

static void destroy(worker *w, item *i) {
  CHECK(is_intact(i, i->size));
  memset(i->buffer, 0xdd, i->size < 64 ? (size_t)i->size : 64); /* whoever uses it further will notice */
  arrowpool_free(pool, i->buffer, i->size, i->alignment);
  live -= i->size;
  i->buffer = NULL;
  w->done.frees++;
}

static void resize(worker *w, item *i, int64_t size) {
  int64_t kept = size < i->size ? size : i->size;
  CHECK(is_intact(i, i->size));
  CHECK(arrowpool_reallocate(pool, i->size, size, i->alignment, &i->buffer) == ARROWPOOL_OK);
  CHECK(unit_aligned(i->buffer, i->alignment));
  CHECK(is_intact(i, kept));
  live += size - i->size;
  w->done.reallocations++;
  if (size > i->size) {
    w->done.allocations++;
    w->done.bytes += size - i->size;
  }
  i->size = size;
  unit_write(i->buffer, size, i->tag);
}

/* As a builder does: by and by, a bit at a time. */
static void grow_in_steps(worker *w, item *i) {
  int64_t most = (int64_t)1 << plan.max_log2;
  for (uint64_t steps = pick(w, 6); steps && i->size < most; steps--) {
    int64_t size = i->size + i->size / 2 + 1;
    resize(w, i, size < most ? size : most);
  }
}

static void exchange(worker *w, item **mine) { *mine = atomic_exchange(&shared[pick(w, SHARED)], *mine); }

static int in_forked_child(worker *w) {
  account none = {0};
  arrowpool_stats stats = {.struct_size = sizeof stats};
  alarm(600); /* a child that hangs is a mismatch, too */
  w->done = none;
  CHECK(arrowpool_get_stats(pool, &stats) == ARROWPOOL_OK);
  CHECK(stats.num_allocations == 0 && stats.num_frees == 0 && stats.inherited_bytes == stats.bytes_allocated);
  int64_t inherited = stats.bytes_allocated, before = 0, after = 0;
  for (int n = 0; n < ITEMS; n++) {
    item *i = w->items[n];
    before += i->buffer ? i->size : 0;
    if (i->buffer && pick(w, 2))
      destroy(w, i);
    else if (i->buffer && i->size < MIB)
      grow_in_steps(w, i);
    else if (!i->buffer)
      create(w, i);
    after += i->buffer ? i->size : 0;
  }
  CHECK(arrowpool_get_stats(pool, &stats) == ARROWPOOL_OK);
  CHECK(stats.bytes_allocated == inherited - before + after);
  CHECK(stats.num_frees == w->done.frees && stats.num_allocations == w->done.allocations);
  return 0;
}

static void fork_and_wait(worker *w) {
  int status;
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0)
    _exit(in_forked_child(w));
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void operate(worker *w) {
  item **mine = &w->items[pick(w, ITEMS)], *i = *mine;
  uint64_t choice = pick(w, 1000);
  if (choice < 2)
    arrowpool_release_unused(pool);
  else if (choice < 4 && plan.fork)
    fork_and_wait(w);
  else if (choice < 200)
    exchange(w, mine);
  else if (!i->buffer)
    create(w, i);
  else if (choice < 500 || live > BUDGET)
    destroy(w, i);
  else if (choice < 800)
    grow_in_steps(w, i);
  else
    resize(w, i, pick_size(w));
}

/* ---- lives ---- */

static void *live_a_while(void *index) {
  worker *w = &workers[(intptr_t)index];
  for (int n = 0; n < LIFE && w->left && (!plan.by_time || seconds() < deadline); n++) {
    operate(w);
    w->operations++;
    w->left -= !plan.by_time;
  }
  return NULL;
}

/* A thread for each worker, again and again until its work is done. */
static void *keep_working(void *index) {
  worker *w = &workers[(intptr_t)index];
  while (w->left && (!plan.by_time || seconds() < deadline)) {
    CHECK(pthread_create(&w->thread, NULL, live_a_while, index) == 0);
    CHECK(pthread_join(w->thread, NULL) == 0);
  }
  return NULL;
}

static void set_up(void) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = plan.backend};
  item *next = all_items;
  CHECK(arrowpool_set_debug(plan.debug ? ARROWPOOL_DEBUG_ABORT : ARROWPOOL_DEBUG_OFF) == ARROWPOOL_OK);
  CHECK(arrowpool_create("stress", &config, &pool) == ARROWPOOL_OK);
  for (int t = 0; t < plan.threads; t++) {
    workers[t].random = plan.seed * 1000 + (uint64_t)t;
    workers[t].left = plan.by_time ? 1 : plan.amount / plan.threads + (t < plan.amount % plan.threads);
    for (int n = 0; n < ITEMS; n++)
      workers[t].items[n] = next++;
  }
  for (int n = 0; n < SHARED; n++)
    shared[n] = next++;
  deadline = seconds() + plan.amount;
}

/* Once idle memory went back, only live buffers are resident, and what they are rounded up by: to jemalloc's
 * size class, a quarter at most, whose pages may have been touched by the buffer before; to whole huge pages,
 * a sixteenth; and, of all together, the huge pages that arenas have begun, and jemalloc's own tables. */
static void check_what_is_resident(void) {
  if (plan.backend != ARROWPOOL_BACKEND_JEMALLOC)
    return;
  arrowpool_release_unused(pool);
  CHECK(unit_smaps_sum("Rss", (const void *)range_all.low, range_all.span) <=
        live + live / 4 + live / 16 + 32 * MIB);
}

static int64_t check_the_books(void) {
  account sum = {0};
  int64_t operations = 0, histogram = 0;
  arrowpool_stats s = {.struct_size = sizeof s};
  for (item *i = all_items; i < all_items + COUNT_OF(all_items); i++)
    if (i->buffer)
      destroy(&workers[0], i);
  for (int t = 0; t < plan.threads; t++) {
    sum.allocations += workers[t].done.allocations;
    sum.bytes += workers[t].done.bytes;
    sum.reallocations += workers[t].done.reallocations;
    sum.frees += workers[t].done.frees;
    operations += workers[t].operations;
  }
  CHECK(arrowpool_get_stats(pool, &s) == ARROWPOOL_OK);
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    histogram += s.size_histogram[i];
  CHECK(live == 0 && s.bytes_allocated == 0);
  CHECK(s.num_allocations == sum.allocations && histogram == sum.allocations);
  CHECK(s.total_bytes_allocated == sum.bytes);
  CHECK(s.num_reallocations == sum.reallocations);
  CHECK(s.num_reallocations == s.reallocs_in_place + s.reallocs_remapped + s.reallocs_copied);
  CHECK(s.num_frees == sum.frees && s.num_failed == 0 && s.num_fallbacks == 0);
  CHECK(s.max_memory > 0 && s.max_memory <= s.total_bytes_allocated);
  arrowpool_destroy(pool);
  return operations;
}

/* With a sample in every 16 KiB, and of what is above for certain. */
static void begin_profile(char *directory) {
  arrowpool_profile_config config = {.struct_size = sizeof config, .mean_bytes = 16 << 10};
  CHECK(mkdtemp(directory) && arrowpool_start_profile(directory, &config) == ARROWPOOL_OK);
}

static void end_profile(const char *directory) {
  char command[64];
  const profile_header *h = store_header();
  CHECK(h && h->samples > 0 && !h->failed_walks);
  for (uint32_t i = 1; i < h->sections[PROFILE_RECORDS].used; i++)
    CHECK(!((const profile_record *)store_record(PROFILE_RECORDS, i))->address);
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  CHECK(system(command) == 0);
}

static bool parse_arguments(int count, char **words) {
  if (count < 4)
    return false;
  plan.threads = atoi(words[1]);
  plan.amount = atoll(words[2]);
  plan.by_time = strchr(words[2], 's') != NULL;
  plan.max_log2 = atoi(words[3]);
  plan.seed = (uint64_t)time(NULL);
  for (int i = 4; i < count; i++)
    if (strncmp(words[i], "seed=", 5) == 0)
      plan.seed = strtoull(words[i] + 5, NULL, 10);
    else if (strcmp(words[i], "pool=system") == 0)
      plan.backend = ARROWPOOL_BACKEND_SYSTEM;
    else if (strcmp(words[i], "fork") == 0)
      plan.fork = true;
    else if (strcmp(words[i], "debug") == 0)
      plan.debug = true;
    else if (strcmp(words[i], "profile") == 0)
      plan.profile = true;
    else if (strcmp(words[i], "pool=jemalloc") != 0)
      return false;
  return plan.threads >= 1 && plan.threads <= MAX_THREADS && plan.amount >= 1 && plan.max_log2 >= 7 &&
         plan.max_log2 <= 36;
}

int main(int count, char **words) {
  if (!parse_arguments(count, words)) {
    fputs("usage: stress THREADS OPERATIONS|SECONDSs MAX_LOG2 [seed=N] [pool=jemalloc|system] [fork] "
          "[debug] [profile]\n",
          stderr);
    return 2;
  }
  char directory[] = "/tmp/arrowpool-stress-XXXXXX";
  set_up();
  if (plan.profile)
    begin_profile(directory);
  unit_run_threads(plan.threads, keep_working);
  check_what_is_resident();
  int64_t operations = check_the_books();
  if (plan.profile)
    end_profile(directory);
  printf("stress: %jd operations, 0 mismatches, seed %ju\n", (intmax_t)operations, (uintmax_t)plan.seed);
  return 0;
}
