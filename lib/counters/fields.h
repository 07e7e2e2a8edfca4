/* The statistics of a pool and of a process, once: X(name, unit, type, metric, help) for each.
 *
 * `name` is the one in arrowpool_stats, in json and in the Python package; `metric` the one in Prometheus,
 * behind "arrowpool_"; `type` is Prometheus's. The lists have the order of all reports. tests/style/fields.py
 * holds the public struct, the schema, the Python package and the documents to them. */
#ifndef ARROWPOOL_COUNTERS_FIELDS_H
#define ARROWPOOL_COUNTERS_FIELDS_H

#include "arrowpool.h"

#define POOL_COUNT 256 /* pools there can be, in one process */

/* The longest names with their NUL, in whole words (bytes): of a pool, with "c:" before what the program
 * chose. */
#define POOL_NAME_BYTES    ((ARROWPOOL_NAME_MAX + sizeof "c:" + 7) / 8 * 8)
#define POOL_BACKEND_BYTES 16

/* Says of each field of a list whether it is in bytes: enum { FIELDS_OF_POOL(FIELDS_IN_BYTES) }; makes
 * in_bytes_NAME. */
enum { FIELDS_UNIT_bytes = 1, FIELDS_UNIT_calls = 0 };
#define FIELDS_IN_BYTES(name, unit, type, metric, help) in_bytes_##name = FIELDS_UNIT_##unit,

/* These follow from what is stored and from the size histogram, so that an allocation has little to write. */
#define FIELDS_DERIVED(X)                                                                                    \
  X(bytes_allocated, bytes, gauge, "bytes_allocated", "Bytes live now.")                                     \
  X(num_allocations, calls, counter, "allocations_total", "Allocations and growing reallocations.")          \
  X(num_reallocations, calls, counter, "reallocations_total", "Successful reallocations.")

/* Each thread stores these, and they only ever grow. */
#define FIELDS_STORED(X)                                                                                     \
  X(total_bytes_allocated, bytes, counter, "allocated_bytes_total",                                          \
    "Sum over all allocations; growth adds its difference.")                                                 \
  X(num_frees, calls, counter, "frees_total", "Frees.")                                                      \
  X(num_failed, calls, counter, "failed_total", "Requests refused for lack of memory or by a limit.")        \
  X(num_fallbacks, calls, counter, "fallbacks_total", "Requests passed on to the system's allocator.")       \
  X(reallocs_in_place, calls, counter, "reallocations_in_place_total",                                       \
    "Reallocations in which no byte moved.")                                                                 \
  X(reallocs_remapped, calls, counter, "reallocations_remapped_total",                                       \
    "Reallocations in which pages moved, and no byte was copied.")                                           \
  X(reallocs_copied, calls, counter, "reallocations_copied_total",                                           \
    "Reallocations in which bytes were copied.")                                                             \
  X(bytes_grown_in_place, bytes, counter, "grown_in_place_bytes_total",                                      \
    "Old bytes that stayed where they were.")                                                                \
  X(bytes_remapped, bytes, counter, "remapped_bytes_total", "Old bytes whose pages moved.")                  \
  X(bytes_copied, bytes, counter, "copied_bytes_total", "Old bytes that were copied.")

/* A pool keeps these itself. */
#define FIELDS_KEPT(X)                                                                                       \
  X(max_memory, bytes, gauge, "max_memory_bytes", "Most bytes live so far.")                                 \
  X(inherited_bytes, bytes, gauge, "inherited_bytes", "Bytes live at the fork that made the process.")       \
  X(limit_bytes, bytes, gauge, "pool_limit_bytes", "Most that may be live in the pool.")

#define FIELDS_OF_POOL(X) FIELDS_DERIVED(X) FIELDS_STORED(X) FIELDS_KEPT(X)

/* The ones that jemalloc tells have no metric: asking takes its locks. */
#define FIELDS_OF_PROCESS(X)                                                                                 \
  X(rss_bytes, bytes, gauge, "resident_bytes", "Resident memory of the process.")                            \
  X(peak_rss_bytes, bytes, gauge, "peak_resident_bytes", "Peak of resident memory.")                         \
  X(idle_bytes, bytes, gauge, "idle_bytes", "Freed, kept for the next buffer until the decay time is over.") \
  X(limit_bytes, bytes, gauge, "limit_bytes", "Most that may be live in all pools.")                         \
  X(group_limit_bytes, bytes, gauge, "group_limit_bytes",                                                    \
    "Most that its control groups let it use, as when it began.")

#define FIELDS_OF_JEMALLOC(X)                                                                                \
  X(jemalloc_active_bytes, bytes, gauge, NULL, "Pages that hold small blocks.")                              \
  X(jemalloc_resident_bytes, bytes, gauge, NULL, "Resident in them and in the metadata, at most.")           \
  X(jemalloc_metadata_bytes, bytes, gauge, NULL, "Metadata of the allocator's.")

#endif
