/* Lists the fields of the records, from their structs. */
#include "report/live_fields.h"

#include "counters/counters_area.h"

#include <stddef.h>

#define IN_POOL(member)                                                                                      \
  { #member, LIVE_IN_POOL, offsetof(area_pool, member), sizeof((area_pool *)0)->member, 0 }
#define IN_SHARD(member)                                                                                     \
  { #member, LIVE_IN_SHARD, offsetof(area_shard, member), sizeof((area_shard *)0)->member, 0 }
#define SUM(member)                                                                                          \
  { #member, LIVE_IN_SHARD, AREA_FIELD(member) * 8, sizeof((area_sums *)0)->member, 1 }

const live_field live_fields[] = {
    IN_POOL(published),
    IN_POOL(peak),
    IN_POOL(inherited),
    IN_POOL(old_peak),
    IN_POOL(baseline),
    IN_POOL(ends),
    IN_POOL(end_bytes),
    IN_POOL(end_histogram),
    IN_POOL(version),
    IN_POOL(name),
    IN_POOL(backend),
    IN_POOL(size_basis),
    IN_POOL(sees_all),
    IN_POOL(limit_bytes),
    IN_SHARD(published),
    IN_SHARD(highest),
    IN_SHARD(pool),
#define X(name, unit, type, metric, help) SUM(name),
    FIELDS_STORED(X)
#undef X
        SUM(bytes_freed),
    SUM(num_growths),
    SUM(size_histogram),
    SUM(left_histogram),
};

const uint32_t live_field_count = sizeof live_fields / sizeof *live_fields;
