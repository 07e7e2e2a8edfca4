/* Reads one dump (docs/use/arrowpool.schema.json) that jansson has parsed. What it does not have is not
 * known; what it has beyond this version is ignored; a figure that none can be means that the dump is
 * damaged. */
#include "cli/stats/stats.h"

#include "base/presence.h"
#include "base/writer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_POOLS 4096

static int64_t number(const json_t *object, const char *key, bool *damaged) {
  const json_t *value = json_object_get(object, key);
  if (!value || json_is_null(value))
    return ARROWPOOL_UNKNOWN;
  *damaged |= !json_is_integer(value) || json_integer_value(value) < 0;
  return json_integer_value(value);
}

/* Reads seconds since the epoch, and returns milliseconds. */
static int64_t moment(const json_t *object, const char *key) {
  double seconds = json_number_value(json_object_get(object, key));
  return seconds > 0 && seconds < 1e12 ? (int64_t)(seconds * 1000 + 0.5) : 0;
}

static void text(const json_t *object, const char *key, char *out, size_t size) {
  const char *value = json_string_value(json_object_get(object, key));
  snprintf(out, size, "%s", value ? value : "");
  writer_make_printable(out);
}

static void histogram(const json_t *pool, const char *key, int64_t *out, bool *damaged) {
  const json_t *buckets = json_object_get(pool, key), *bucket;
  size_t i;
  for (size_t b = 0; b < ARROWPOOL_HISTOGRAM_BUCKETS; b++)
    out[b] = json_is_array(buckets) ? 0 : ARROWPOOL_UNKNOWN;
  json_array_foreach(buckets, i, bucket) {
    int64_t from = number(bucket, "from_bytes", damaged), count = number(bucket, "count", damaged);
    if (from > 0 && count > 0) {
      int b = 63 - __builtin_clzll((unsigned long long)from);
      out[b < ARROWPOOL_HISTOGRAM_BUCKETS ? b : ARROWPOOL_HISTOGRAM_BUCKETS - 1] = count;
    }
  }
}

static void read_pool(const json_t *pool, pool_view *out, bool *damaged) {
  const char *basis = json_string_value(json_object_get(pool, "size_basis"));
  text(pool, "name", out->name, sizeof out->name);
  text(pool, "backend", out->backend, sizeof out->backend);
  out->counts_requested = !basis || strcmp(basis, "usable") != 0;
#define X(field, unit, type, metric, help) out->stats.field = number(pool, #field, damaged);
  FIELDS_OF_POOL(X)
#undef X
  histogram(pool, "size_histogram", out->stats.size_histogram, damaged);
  histogram(pool, "live_histogram", out->stats.live_histogram, damaged);
  out->end.bytes = number(pool, "bytes_before_end", damaged);
  histogram(pool, "histogram_before_end", out->end.histogram, damaged);
  *damaged |= !out->name[0];
}

/* Dumps of earlier versions do not have it. */
static uint32_t presence(const json_t *process) {
  const char *word = json_string_value(json_object_get(process, "presence"));
  for (uint32_t known = 1; word && presence_name(known); known++)
    if (strcmp(word, presence_name(known)) == 0)
      return known;
  return 0;
}

const char *stats_from_json(const json_t *dump, stats *out) {
  const char *schema = json_string_value(json_object_get(dump, "schema"));
  const json_t *process = json_object_get(dump, "process"), *pools = json_object_get(dump, "pools"), *pool;
  bool damaged = false;
  memset(out, 0, sizeof *out);
  if (!schema || !json_is_object(process) || !json_is_array(pools))
    return "it is no dump of arrowpool";
  if (strcmp(schema, "arrowpool/1") != 0)
    return "it is of a schema that this program does not know";
  if (json_array_size(pools) > MOST_POOLS)
    return "it has too many pools";
  out->state = STATS_ENDED;
  out->kills_since = out->anonymous_bytes = ARROWPOOL_UNKNOWN;
  snapshot_process *p = &out->process;
  p->pid = number(process, "pid", &damaged);
  text(process, "program", p->program, sizeof p->program);
  text(process, "host", p->host, sizeof p->host);
  text(process, "name", p->job_name, sizeof p->job_name);
  p->presence = presence(process);
  p->start_time = moment(process, "start_time");
  p->time = json_is_number(json_object_get(process, "time")) ? moment(process, "time") : ARROWPOOL_UNKNOWN;
#define X(name, unit, type, metric, help) p->name = number(process, #name, &damaged);
  FIELDS_OF_PROCESS(X)
  FIELDS_OF_JEMALLOC(X)
#undef X
  out->pools = calloc(json_array_size(pools) + 1, sizeof *out->pools);
  if (!out->pools)
    return strerror(ENOMEM);
  size_t i;
  json_array_foreach(pools, i, pool) { read_pool(pool, &out->pools[out->pool_count++], &damaged); }
  if (!damaged && p->pid > 0)
    return NULL;
  stats_free(out);
  return "its figures are damaged";
}
