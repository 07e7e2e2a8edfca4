/* The one list of the counters: X(name, unit, help) for each; the names are those of arrowpool_stats.
 *
 * COUNTERS_STORED are kept, and only ever grow. COUNTERS_DERIVED follow from them and the size histogram, so
 * that an allocation has little to write. COUNTERS_FIELDS are both, in the order of reports. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_FIELDS_H
#define ARROWPOOL_COUNTERS_COUNTERS_FIELDS_H

#define COUNTERS_DERIVED(X)                                                                                  \
  X(bytes_allocated, bytes, "live now")                                                                      \
  X(num_allocations, calls, "allocations and growing reallocations")                                         \
  X(num_reallocations, calls, "successful reallocations")

#define COUNTERS_STORED(X)                                                                                   \
  X(total_bytes_allocated, bytes, "sum over all allocations; growth adds its difference")                    \
  X(num_frees, calls, "frees")                                                                               \
  X(num_failed, calls, "requests refused for lack of memory")                                                \
  X(num_fallbacks, calls, "requests the backend passed on to the system allocator")                          \
  X(reallocs_in_place, calls, "reallocations in which no byte moved")                                        \
  X(reallocs_remapped, calls, "reallocations in which pages moved, but no byte was copied")                  \
  X(reallocs_copied, calls, "reallocations in which bytes were copied")                                      \
  X(bytes_grown_in_place, bytes, "old bytes that stayed where they were")                                    \
  X(bytes_remapped, bytes, "old bytes moved by page tables")                                                 \
  X(bytes_copied, bytes, "old bytes copied")

#define COUNTERS_FIELDS(X) COUNTERS_DERIVED(X) COUNTERS_STORED(X)

#endif
