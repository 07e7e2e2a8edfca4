/* The C API is the library's own hook: it translates arguments and calls pool. */
#include "arrowpool.h"

#include "base/memory_available.h"
#include "base/process_file.h"
#include "counters/counters.h"
#include "counters/counters_peak.h"
#include "pool/pool_quick.h"
#include "pool/pool_samples.h"
#include "pool/refusal.h"
#include "report/report.h"

#include <stdatomic.h>
#include <string.h>

#define API __attribute__((visibility("default")))

static _Atomic(arrowpool_pool *) default_pool;

API arrowpool_pool *arrowpool_jemalloc(void) { return pool_built_in(POOL_JEMALLOC); }

API arrowpool_pool *arrowpool_system(void) { return pool_built_in(POOL_SYSTEM); }

API arrowpool_pool *arrowpool_default(void) {
  arrowpool_pool *pool = atomic_load_explicit(&default_pool, memory_order_acquire);
  return pool ? pool : arrowpool_jemalloc();
}

API void arrowpool_set_default(arrowpool_pool *pool) {
  atomic_store_explicit(&default_pool, pool, memory_order_release);
}

API arrowpool_status arrowpool_set_debug(arrowpool_debug mode) {
  return (unsigned)mode <= ARROWPOOL_DEBUG_ABORT && pool_set_debug(mode, NULL) ? ARROWPOOL_OK
                                                                               : ARROWPOOL_INVALID;
}

static void keep_quiet(const char *path, const char *problem) { (void)path, (void)problem; }

API arrowpool_status arrowpool_start_profile(const char *directory, const arrowpool_profile_config *config) {
  char path[PATH_MAX];
  profile_wanted wanted = {.mean = STREAM_MEAN,
                           .with = PROFILE_WITH_PYTHON | PROFILE_WITH_NATIVE | PROFILE_WITH_TASKS,
                           .complain = keep_quiet};
  if (!directory || !*directory ||
      (config && (config->struct_size < sizeof *config || config->mean_bytes < 0)))
    return ARROWPOOL_INVALID;
  if (config) {
    wanted.keep = config->keep;
    wanted.mean = config->mean_bytes ? config->mean_bytes : STREAM_MEAN;
  }
  wanted.directory = process_file_absolute(directory, path);
  if (profile_on())
    return ARROWPOOL_EXISTS;
  return pool_samples_start(&wanted) ? ARROWPOOL_OK : profile_on() ? ARROWPOOL_EXISTS : ARROWPOOL_INVALID;
}

API const char *arrowpool_profile_directory(void) {
  return atomic_load(&profile_begun) ? profile_directory() : NULL;
}

static bool is_name(const char *name) {
  size_t length = name ? strnlen(name, ARROWPOOL_NAME_MAX + 1) : 0;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
      return false;
  return length >= 1 && length <= ARROWPOOL_NAME_MAX;
}

API arrowpool_status arrowpool_create(const char *name, const arrowpool_config *config,
                                      arrowpool_pool **out) {
  arrowpool_config given = {0};
  pool_config c = {.backend = pool_get_config(arrowpool_default())->backend};
  if (!is_name(name) || !out)
    return ARROWPOOL_INVALID;
  if (config) {
    size_t first_version = offsetof(arrowpool_config, limit_bytes);
    if (config->struct_size != first_version && config->struct_size < sizeof given)
      return ARROWPOOL_INVALID;
    memcpy(&given, config, config->struct_size == first_version ? first_version : sizeof given);
  }
  if ((unsigned)given.backend >= sizeof backends / sizeof *backends || given.limit_bytes < 0)
    return ARROWPOOL_INVALID;
  if (given.backend != ARROWPOOL_BACKEND_DEFAULT)
    c.backend = backends[given.backend];
  c.limit_bytes = given.limit_bytes;
  char full_name[ARROWPOOL_NAME_MAX + 3] = "c:";
  strcpy(full_name + 2, name);
  return pool_create(full_name, c, out);
}

API void arrowpool_destroy(arrowpool_pool *pool) { pool_destroy(pool); }

API arrowpool_status arrowpool_set_limit(arrowpool_pool *pool, int64_t limit_bytes) {
  return pool && limit_bytes >= 0 && pool_set_limit(pool, limit_bytes) ? ARROWPOOL_OK : ARROWPOOL_INVALID;
}

static int64_t alignment_or_default(int64_t alignment) {
  return alignment ? alignment : ARROWPOOL_DEFAULT_ALIGNMENT;
}

static __attribute__((noinline)) arrowpool_status allocate_slowly(arrowpool_pool *pool, int64_t size,
                                                                  int64_t alignment, uint8_t **out) {
  void *buffer;
  arrowpool_status status = pool_allocate(pool, size, alignment_or_default(alignment), &buffer);
  if (status == ARROWPOOL_OK)
    *out = buffer;
  return status;
}

API arrowpool_status arrowpool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment,
                                        uint8_t **out) {
  if (!pool || !out)
    return ARROWPOOL_INVALID;
  if (__builtin_expect(
          pool_quick_aligns(alignment) && pool_quick_allocate(pool, size, (pool_quick_pointer *)out), 1))
    return ARROWPOOL_OK;
  return allocate_slowly(pool, size, alignment, out);
}

API arrowpool_status arrowpool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                          int64_t alignment, uint8_t **buffer) {
  if (!pool || !buffer || !*buffer || old_size < 0)
    return ARROWPOOL_INVALID;
  void *resized = *buffer;
  arrowpool_status status =
      pool_reallocate(pool, old_size, new_size, alignment_or_default(alignment), &resized);
  if (status == ARROWPOOL_OK)
    *buffer = resized;
  return status;
}

API void arrowpool_free(arrowpool_pool *pool, uint8_t *buffer, int64_t size, int64_t alignment) {
  if (__builtin_expect(pool && pool_quick_aligns(alignment) && pool_quick_free(pool, buffer, size), 1))
    return;
  if (pool && size >= 0)
    pool_free(pool, buffer, size, alignment_or_default(alignment));
}

API void arrowpool_release_unused(arrowpool_pool *pool) {
  if (pool)
    pool_get_config(pool)->backend->release_unused();
}

API arrowpool_status arrowpool_get_stats(const arrowpool_pool *pool, arrowpool_stats *out) {
  arrowpool_stats stats;
  if (!pool || !out || out->struct_size < offsetof(arrowpool_stats, max_memory))
    return ARROWPOOL_INVALID;
  size_t size = out->struct_size < sizeof stats ? out->struct_size : sizeof stats;
  pool_read(pool, &stats);
  memcpy((char *)out + sizeof out->struct_size, (char *)&stats + sizeof stats.struct_size,
         size - sizeof stats.struct_size);
  return ARROWPOOL_OK;
}

/* What libc's aligned functions hand out need not be Arrow's, and is not always known. */
static bool is_watched(const char *name) {
  return strncmp(name, "arrow", 5) == 0 || strncmp(name, "c:", 2) == 0;
}

API int64_t arrowpool_take_peak(int watch) {
  pool_view view;
  for (unsigned pool = 0; pool < POOL_COUNT; pool++)
    counters_peak_choose(pool, !pool_view_at(pool, &view) || is_watched(view.name));
  counters_publish_own();
  return counters_peak_restart(watch);
}

API arrowpool_status arrowpool_report(arrowpool_format format, arrowpool_write_fn write, void *context) {
  if (!write || (unsigned)format > ARROWPOOL_FORMAT_PROMETHEUS)
    return ARROWPOOL_INVALID;
  report_room room;
  return report_write(format, REPORT_ASK_JEMALLOC, &room, write, context) ? ARROWPOOL_OK : ARROWPOOL_INVALID;
}

API arrowpool_status arrowpool_describe_failure(const arrowpool_pool *pool, int64_t old_size,
                                                int64_t new_size, char *out, size_t size) {
  char text[REFUSAL_BYTES];
  if (!pool || !out || !size)
    return ARROWPOOL_INVALID;
  refusal_describe(pool, old_size, new_size, text);
  size_t length = strnlen(text, size - 1);
  memcpy(out, text, length);
  out[length] = 0;
  return ARROWPOOL_OK;
}

API int64_t arrowpool_available_memory(void) { return memory_available(); }

API const char *arrowpool_name(const arrowpool_pool *pool) { return pool ? pool_name(pool) : ""; }

API const char *arrowpool_status_message(arrowpool_status status) {
  static const char *const messages[] = {
      [ARROWPOOL_OK] = "success",
      [ARROWPOOL_OUT_OF_MEMORY] = "out of memory",
      [ARROWPOOL_INVALID] = "invalid argument",
      [ARROWPOOL_EXISTS] = "a living pool has that name",
      [ARROWPOOL_UNSUPPORTED] = "not known to arrowpool",
  };
  return (unsigned)status < sizeof messages / sizeof *messages ? messages[status] : "unknown status";
}

API const char *arrowpool_version(void) { return ARROWPOOL_VERSION; }

/* An ELF note says the same to those who look at the file and do not run it. */
static const struct {
  uint32_t owner_bytes, text_bytes, type;
  char owner[12], text[16];
} version_note __attribute__((section(".note.arrowpool"), used, aligned(4))) = {
    sizeof "arrowpool", 16, 1, "arrowpool", ARROWPOOL_VERSION};
