/* Grows, shrinks, moves and frees buffers of all sizes, in turns, in threads and on both sides of a fork, and
 * checks their contents after each step, and the pools' books at the end.
 *
 *   workload api|libc jemalloc|system    with `libc`, which needs the shim, half of the buffers come from
 *                                        posix_memalign and its relatives, and grow by realloc
 *
 * A request may be refused, in the way that its function documents; then the buffer must be as it was. Ends
 * the process at the first thing that is not as it should be, else prints how much was refused, and how much
 * was resized to a place less aligned than it was. */
#include "unit.h"

#include "arrowpool.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ITEMS   10
#define THREADS 2
#define ROUNDS  13

typedef struct item {
  uint8_t *buffer; /* NULL: none, it was refused */
  int64_t size, alignment;
  uint64_t tag;
  bool libc;
} item;

static arrowpool_pool *pool;
static bool with_libc;
static item items[THREADS + 1][ITEMS];
static _Atomic int64_t refused, misaligned, live_libc; /* all; all; bytes */
/* What the pool should have counted. */
static _Atomic int64_t live, allocations, reallocations, frees, failed,
    live_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];

/* Tells the preload that has calls fail, where there is one, that another request begins. */
static void (*begin_request)(void);

static void no_preload(void) {}

static size_t bucket_of(int64_t size) { return 63 - (size_t)__builtin_clzll((unsigned long long)size); }

/* Of a buffer that came (1) or went (-1). */
static void account(const item *i, int64_t sign) {
  if (i->libc) {
    live_libc += sign * i->size;
    return;
  }
  live += sign * i->size;
  live_histogram[bucket_of(i->size)] += sign;
}

static bool is_intact(const item *i, int64_t upto) { return unit_matches(i->buffer, i->size, upto, i->tag); }

static uint8_t *from_libc(int64_t size, int64_t alignment) {
  static _Atomic unsigned turn;
  void *buffer = NULL;
  switch (turn++ % 3) {
  case 0:
    errno = 0;
    int error = posix_memalign(&buffer, (size_t)alignment, (size_t)size);
    CHECK(error == (buffer ? 0 : ENOMEM) && (error || errno == 0));
    break;
  case 1:
    buffer = aligned_alloc((size_t)alignment, (size_t)size);
    CHECK(buffer || errno == ENOMEM);
    break;
  default:
    buffer = memalign((size_t)alignment, (size_t)size);
    CHECK(buffer || errno == ENOMEM);
  }
  return buffer;
}

static void create(item *i, int64_t size, int64_t alignment, uint64_t tag) {
  begin_request();
  *i = (item){.size = size, .alignment = alignment, .tag = tag, .libc = with_libc && tag % 2};
  if (i->libc) {
    i->buffer = from_libc(size, alignment);
  } else {
    arrowpool_status status = arrowpool_allocate(pool, size, alignment, &i->buffer);
    CHECK(status == (i->buffer ? ARROWPOOL_OK : ARROWPOOL_OUT_OF_MEMORY));
    *(i->buffer ? &allocations : &failed) += 1;
  }
  if (!i->buffer) {
    refused++;
    return;
  }
  CHECK(unit_aligned(i->buffer, alignment));
  unit_write(i->buffer, size, tag);
  account(i, 1);
}

static void resize(item *i, int64_t size) {
  uint8_t *before = i->buffer;
  bool done;
  if (!before)
    return;
  CHECK(is_intact(i, i->size));
  begin_request();
  errno = 0;
  if (i->libc) {
    uint8_t *after = realloc(before, (size_t)size);
    done = after != NULL;
    CHECK(done || errno == ENOMEM);
    i->buffer = done ? after : before;
  } else {
    arrowpool_status status = arrowpool_reallocate(pool, i->size, size, i->alignment, &i->buffer);
    done = status == ARROWPOOL_OK;
    CHECK(done || (status == ARROWPOOL_OUT_OF_MEMORY && i->buffer == before));
    misaligned += !unit_aligned(i->buffer, i->alignment);
    *(done ? &reallocations : &failed) += 1;
    allocations += done && size > i->size;
  }
  if (!done) {
    refused++;
    CHECK(is_intact(i, i->size));
    return;
  }
  CHECK(errno == 0);
  account(i, -1);
  CHECK(is_intact(i, size < i->size ? size : i->size));
  i->size = size;
  unit_write(i->buffer, size, i->tag);
  account(i, 1);
}

static void destroy(item *i) {
  if (!i->buffer)
    return;
  CHECK(is_intact(i, i->size));
  account(i, -1);
  begin_request();
  errno = 0;
  if (i->libc) {
    free(i->buffer);
  } else {
    arrowpool_free(pool, i->buffer, i->size, i->alignment);
    frees++;
  }
  CHECK(errno == 0);
  i->buffer = NULL;
}

/* Item n grows up to its own limit: the first to 64 MiB, the others to less and less. */
static int64_t limit_of(int n, bool main_thread) {
  static const int64_t limits[] = {64 * MIB, 64 * MIB,  24 * MIB, 5 * MIB, 3 * MIB,
                                   MIB,      200 * KIB, 70 * KIB, 9000,    500};
  return main_thread || limits[n] < 2 * MIB ? limits[n] : 2 * MIB;
}

/* Each round takes all items one step further. */
static void grow_in_turns(item *mine, bool main_thread) {
  static const int64_t alignments[] = {64, 64, 64, 4096, 64, 2 * MIB, 64, 64, 256, 64};
  for (int n = 0; n < ITEMS; n++)
    create(&mine[n], 48 + 16 * n, alignments[n], (uint64_t)n + 100 * (uint64_t)(mine - items[0]));
  for (int round = 0; round < ROUNDS; round++)
    for (int n = 0; n < ITEMS; n++) {
      item *i = &mine[n];
      int64_t next = i->size * (n % 3 ? 3 : 4) + 1, limit = limit_of(n, main_thread);
      if (i->buffer && round % 4 == 3 && n % 4 == 2)
        resize(i, i->size / 3 + 1);
      else if (round % 5 == 4 && n % 4 == 3) {
        destroy(i);
        create(i, next < limit ? next : limit, i->alignment, i->tag);
      } else if (i->buffer && i->size < limit)
        resize(i, next < limit ? next : limit);
    }
}

static void *work_in_thread(void *number) {
  grow_in_turns(items[1 + (intptr_t)number], false);
  return NULL;
}

static void destroy_all(void) {
  for (int t = 0; t <= THREADS; t++)
    for (int n = 0; n < ITEMS; n++)
      destroy(&items[t][n]);
}

/* ---- books ---- */

typedef struct text {
  char bytes[64 << 10];
  size_t used;
} text;

static int collect(void *context, const char *bytes, size_t size) {
  text *t = context;
  CHECK(size < sizeof t->bytes - t->used);
  memcpy(t->bytes + t->used, bytes, size);
  t->used += size;
  return 0;
}

/* A figure of the libc pool; -1: not known, 0: it was not used yet. */
static int64_t libc_figure(const char *name) {
  static text report;
  char key[64];
  report.used = 0;
  CHECK(arrowpool_report(ARROWPOOL_FORMAT_JSON, collect, &report) == ARROWPOOL_OK);
  report.bytes[report.used] = 0;
  const char *at = strstr(report.bytes, "{\"name\":\"libc\"");
  if (!at)
    return 0;
  snprintf(key, sizeof key, "\"%s\":", name);
  CHECK((at = strstr(at, key)) != NULL);
  at += strlen(key);
  return strncmp(at, "null", 4) == 0 ? -1 : strtoll(at, NULL, 10);
}

static void check_books(int64_t inherited) {
  arrowpool_stats s = {.struct_size = sizeof s};
  CHECK(arrowpool_get_stats(pool, &s) == ARROWPOOL_OK);
  CHECK(s.bytes_allocated == live);
  CHECK(s.inherited_bytes == inherited);
  CHECK(s.max_memory >= live);
  CHECK(s.num_allocations == allocations);
  CHECK(s.num_reallocations == reallocations);
  CHECK(s.reallocs_in_place + s.reallocs_remapped + s.reallocs_copied == reallocations);
  CHECK(s.num_frees == frees);
  CHECK(s.num_failed == failed);
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    CHECK(s.live_histogram[i] == live_histogram[i]);
  int64_t seen = libc_figure("bytes_allocated");
  static bool all_seen = true; /* so far: a fork's child begins to count anew */
  all_seen &= !libc_figure("num_fallbacks") && !libc_figure("num_failed");
  CHECK(seen == -1 || seen == live_libc || (!all_seen && seen < live_libc));
}

/* All that it counts begins anew, but the buffers are there. */
static void child(void) {
  int64_t inherited = live;
  allocations = reallocations = frees = failed = 0;
  check_books(inherited);
  for (int n = 2; n < ITEMS; n++)
    resize(&items[0][n], items[0][n].size * 3 / 2);
  check_books(inherited);
  destroy_all();
  check_books(inherited);
}

/* The tails of the shrunk buffers serve new ones, at once and while these grow. */
static void use_what_is_idle(void) {
  static item more[3];
  static const int64_t sizes[] = {40 * MIB, 3 * MIB, 600 * KIB};
  for (int n = 0; n < 3; n++)
    create(&more[n], sizes[n], 64, 1000 + (uint64_t)n);
  for (int n = 0; n < 3; n++) {
    resize(&more[n], sizes[n] * 5);
    CHECK(!items[0][n].buffer || is_intact(&items[0][n], items[0][n].size));
  }
  check_books(0);
  for (int n = 0; n < 3; n++)
    destroy(&more[n]);
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  *(void **)&begin_request = dlsym(RTLD_DEFAULT, "fault_inject_request");
  if (!begin_request)
    begin_request = no_preload;
  with_libc = strcmp(arguments[1], "libc") == 0;
  bool system = strcmp(arguments[2], "system") == 0;
  arrowpool_config config = {.struct_size = sizeof config,
                             .backend = system ? ARROWPOOL_BACKEND_SYSTEM : ARROWPOOL_BACKEND_JEMALLOC};
  CHECK(arrowpool_create("faults", &config, &pool) == ARROWPOOL_OK);
  grow_in_turns(items[0], true);
  unit_run_threads(THREADS, work_in_thread);
  check_books(0);
  CHECK(unit_in_child(child));
  for (int n = 0; n < ITEMS; n++)
    if (items[0][n].buffer)
      resize(&items[0][n], items[0][n].size / 2 + 1);
  check_books(0);
  use_what_is_idle();
  arrowpool_release_unused(pool);
  destroy_all();
  check_books(0);
  arrowpool_release_unused(pool);
  arrowpool_stats s = {.struct_size = sizeof s};
  CHECK(arrowpool_get_stats(pool, &s) == ARROWPOOL_OK);
  printf("%lld refused, %lld misaligned; %lld in place, %lld remapped, %lld copied, %lld fallbacks\n",
         (long long)refused, (long long)misaligned, (long long)s.reallocs_in_place,
         (long long)s.reallocs_remapped, (long long)s.reallocs_copied, (long long)s.num_fallbacks);
  return 0;
}
