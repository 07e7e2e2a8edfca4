/* Reads live files (report/live.h). The process may be writing, the file may be of another version, cut off,
 * or made up: what it says about itself is checked against its size, and nothing is trusted further. Fields
 * are found by the file's own table, so files of other versions can be read as far as they have them. */
#include "cli/stats/stats.h"

#include "base/clock.h"
#include "base/writer.h"
#include "cli/base/open_regular.h"
#include "cli/stats/live_process.h"
#include "counters/counters.h"
#include "report/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FIELDS  256
#define MOST_POOLS   1024
#define MOST_SHARDS  ((uint32_t)1 << 20)
#define MOST_RECORD  65536
#define MOST_BYTES   ((uint64_t)256 << 20) /* the most of shards: sparse files can claim anything */
#define BUCKETS      ARROWPOOL_HISTOGRAM_BUCKETS
#define BUCKET_BYTES (BUCKETS * sizeof(int64_t))

typedef struct file {
  int fd;
  uint64_t size;
  live_header header;
  live_field *fields;
  char *pools, *shards; /* records */
  uint32_t pool_count, shard_count;
  const live_field *baseline; /* the sums of a pool that are subtracted; NULL: this file has none */
  uint32_t *order, *first; /* shards by pool: those of pool p are order[first[p]] up to order[first[p + 1]] */
} file;

static bool holds(const file *f, uint64_t offset, uint64_t count, uint32_t bytes) {
  return offset <= f->size && count * bytes <= f->size - offset;
}

/* Reads `count` records. Returns NULL on success. */
static const char *read_records(const file *f, uint64_t offset, uint64_t count, uint32_t bytes, void *out) {
  size_t size = (size_t)count * bytes, done = 0;
  while (done < size) {
    ssize_t got = pread(f->fd, (char *)out + done, size - done, (off_t)(offset + done));
    if (got <= 0)
      return got ? strerror(errno) : "it is cut off";
    done += (size_t)got;
  }
  return NULL;
}

static const char *read_header(file *f) {
  const live_header *h = &f->header;
  memset(&f->header, 0, sizeof f->header);
  if (f->size < offsetof(live_header, limit_bytes) ||
      read_records(f, 0, 1, f->size < sizeof *h ? (uint32_t)f->size : sizeof *h, &f->header))
    return "it is no live file";
  if (memcmp(h->magic, LIVE_MAGIC, sizeof h->magic) != 0)
    return h->magic[0] ? "it is no live file" : "it was not finished";
  if (h->byte_order != LIVE_BYTE_ORDER)
    return "it is of a machine with another byte order";
  if (h->version != LIVE_VERSION)
    return "it is of a version that this program does not know";
  if (h->header_bytes < offsetof(live_header, limit_bytes) || h->field_bytes != sizeof(live_field) ||
      !h->pool_bytes || h->pool_bytes > MOST_RECORD || h->pool_bytes % 8 || !h->shard_bytes ||
      h->shard_bytes > MOST_RECORD || h->shard_bytes % 8 || h->field_count > MOST_FIELDS ||
      h->pool_count > MOST_POOLS || h->pid <= 0)
    return "its header is damaged";
  if (h->header_bytes < sizeof *h) /* it is of a version before what follows */
    memset((char *)&f->header + h->header_bytes, 0, sizeof *h - h->header_bytes);
  f->shard_count = atomic_load(&f->header.shard_count);
  return f->shard_count > MOST_SHARDS || (uint64_t)f->shard_count * h->shard_bytes > MOST_BYTES
             ? "its header is damaged"
             : NULL;
}

/* Returns how many records have to be read: the others lie in a hole, which the file is from some pool on. */
static uint32_t count_written(const file *f, uint64_t offset, uint32_t count, uint32_t bytes) {
  uint64_t end = offset, upto = offset + (uint64_t)count * bytes;
  for (off_t at; end < upto && (at = lseek(f->fd, (off_t)end, SEEK_DATA)) >= 0 && (uint64_t)at < upto;) {
    off_t hole = lseek(f->fd, at, SEEK_HOLE);
    if (hole <= at)
      return count;
    end = (uint64_t)hole;
  }
  uint64_t written = (end - offset + bytes - 1) / bytes;
  return written < count ? (uint32_t)written : count;
}

static const char *stats_live_read_all(file *f) {
  const live_header *h = &f->header;
  const char *problem = read_header(f);
  if (problem)
    return problem;
  if (!holds(f, h->fields_offset, h->field_count, sizeof *f->fields) ||
      !holds(f, h->pools_offset, h->pool_count, h->pool_bytes) ||
      !holds(f, h->shards_offset, f->shard_count, h->shard_bytes))
    return "it is cut off";
  f->pool_count = count_written(f, h->pools_offset, h->pool_count, h->pool_bytes);
  f->fields = calloc(f->header.field_count + 1, sizeof *f->fields);
  f->pools = calloc(f->pool_count + 1, f->header.pool_bytes);
  f->shards = calloc(f->shard_count + 1, f->header.shard_bytes);
  if (!f->fields || !f->pools || !f->shards)
    return strerror(ENOMEM);
  problem = read_records(f, f->header.fields_offset, f->header.field_count, sizeof *f->fields, f->fields);
  if (!problem)
    problem = read_records(f, f->header.pools_offset, f->pool_count, f->header.pool_bytes, f->pools);
  return problem ? problem
                 : read_records(f, f->header.shards_offset, f->shard_count, f->header.shard_bytes, f->shards);
}

/* Returns the field of that name and size (0: any); NULL if the file has none, or one that lies outside of
 * its record. */
static const live_field *stats_live_find(const file *f, live_place place, const char *name, size_t size) {
  uint32_t record = place == LIVE_IN_POOL ? f->header.pool_bytes : f->header.shard_bytes;
  for (uint32_t i = 0; i < f->header.field_count; i++) {
    const live_field *field = &f->fields[i];
    if (field->place == (uint32_t)place && strncmp(field->name, name, sizeof field->name) == 0)
      return (!size || field->size == size) && field->offset % 4 == 0 && field->offset <= record &&
                     field->size <= record - field->offset
                 ? field
                 : NULL;
  }
  return NULL;
}

static int64_t number_at(const char *record, const live_field *field) {
  int64_t number = 0;
  if (field)
    memcpy(&number, record + field->offset, sizeof number);
  return number;
}

static void text_at(const char *record, const live_field *field, char *out, size_t size) {
  size_t length =
      field ? strnlen(record + field->offset, field->size < size - 1 ? field->size : size - 1) : 0;
  memcpy(out, field ? record + field->offset : "", length);
  out[length] = 0;
  writer_make_printable(out);
}

/* Returns the pool of a shard; pool_count if it has none. */
static uint32_t pool_of(const file *f, const live_field *number, uint32_t shard) {
  uint32_t its = 0;
  if (number)
    memcpy(&its, f->shards + (size_t)shard * f->header.shard_bytes + number->offset, sizeof its);
  return its && its <= f->pool_count ? its - 1 : f->pool_count;
}

/* Sorts the shards by pool, so that reading all pools looks at each shard once. */
static bool sort_shards(file *f) {
  const live_field *number = stats_live_find(f, LIVE_IN_SHARD, "pool", sizeof(uint32_t));
  f->order = calloc((size_t)f->shard_count + 1, sizeof *f->order);
  f->first = calloc((size_t)f->pool_count + 3, sizeof *f->first);
  if (!f->order || !f->first)
    return false;
  for (uint32_t i = 0; i < f->shard_count; i++)
    f->first[pool_of(f, number, i) + 2]++;
  for (uint32_t p = 2; p < f->pool_count + 3; p++)
    f->first[p] += f->first[p - 1];
  for (uint32_t i = 0; i < f->shard_count; i++)
    f->order[f->first[pool_of(f, number, i) + 1]++] = i;
  return true;
}

static const char *shard_at(const file *f, uint32_t place) {
  return f->shards + (size_t)f->order[place] * f->header.shard_bytes;
}

/* No figure comes near this, and some can be added up without an overflow. */
#define MOST_FIGURE (INT64_C(1) << 56)

static int64_t limit(int64_t number) {
  return number > MOST_FIGURE ? MOST_FIGURE : number < -MOST_FIGURE ? -MOST_FIGURE : number;
}

static int64_t clamp(int64_t number) { return number > 0 ? limit(number) : 0; }

/* Returns a sum over the pool's shards, less its baseline; `index` is that of the bucket in a histogram. */
static int64_t sum(const file *f, uint32_t pool, const live_field *field, size_t index) {
  const char *record = f->pools + (size_t)pool * f->header.pool_bytes;
  uint64_t total = 0; /* it may wrap: a made-up file can hold anything */
  int64_t part;
  if (!field)
    return 0;
  size_t offset = field->offset + index * 8;
  for (uint32_t i = f->first[pool]; i < f->first[pool + 1]; i++) {
    memcpy(&part, shard_at(f, i) + offset, sizeof part);
    total += (uint64_t)part;
  }
  if (f->baseline && offset + 8 <= f->baseline->size) {
    memcpy(&part, record + f->baseline->offset + offset, sizeof part);
    total -= (uint64_t)part;
  }
  return limit((int64_t)total);
}

/* Works out live bytes and peak as the process itself does (counters.c); what is dead is not torn. */
static void read_live_and_peak(const file *f, uint32_t pool, bool runs, arrowpool_stats *out) {
  const char *record = f->pools + (size_t)pool * f->header.pool_bytes;
  const live_field *in_shard = stats_live_find(f, LIVE_IN_SHARD, "highest", 8),
                   *published = stats_live_find(f, LIVE_IN_SHARD, "published", 8);
  int64_t known = number_at(record, stats_live_find(f, LIVE_IN_POOL, "published", 8));
  int64_t peak = clamp(number_at(record, stats_live_find(f, LIVE_IN_POOL, "peak", 8))), most = peak;
  int64_t freed = sum(f, pool, stats_live_find(f, LIVE_IN_SHARD, "bytes_freed", 8), 0);
  int64_t live = clamp(out->total_bytes_allocated - freed);
  for (uint32_t i = f->first[pool]; i < f->first[pool + 1]; i++) {
    const char *shard = shard_at(f, i);
    int64_t ahead = counters_ahead(number_at(shard, in_shard), number_at(shard, published));
    int64_t here = (int64_t)((uint64_t)known + (uint64_t)ahead);
    peak = here > peak ? here : peak;
    most += COUNTERS_QUANTUM;
  }
  out->bytes_allocated = runs ? counters_plausible(live, most) : live;
  out->max_memory = peak > out->bytes_allocated ? limit(peak) : out->bytes_allocated;
}

static void read_end(const file *f, const char *record, counters_end *out) {
  const live_field *histogram = stats_live_find(f, LIVE_IN_POOL, "end_histogram", BUCKET_BYTES);
  if (!histogram || number_at(record, stats_live_find(f, LIVE_IN_POOL, "ends", 8)) <= 0) {
    pool_view_hide_end(out);
    return;
  }
  out->bytes = clamp(number_at(record, stats_live_find(f, LIVE_IN_POOL, "end_bytes", 8)));
  memcpy(out->histogram, record + histogram->offset, sizeof out->histogram);
  for (size_t i = 0; i < BUCKETS; i++)
    out->histogram[i] = clamp(out->histogram[i]);
}

static void read_pool(const file *f, uint32_t pool, bool runs, pool_view *out) {
  const char *record = f->pools + (size_t)pool * f->header.pool_bytes;
  arrowpool_stats *v = &out->stats;
  char basis[16];
  text_at(record, stats_live_find(f, LIVE_IN_POOL, "backend", sizeof out->backend), out->backend,
          sizeof out->backend);
  text_at(record, stats_live_find(f, LIVE_IN_POOL, "size_basis", sizeof basis), basis, sizeof basis);
  out->counts_requested = strcmp(basis, "usable") != 0;
#define X(name, unit, type, metric, help)                                                                    \
  v->name = clamp(sum(f, pool, stats_live_find(f, LIVE_IN_SHARD, #name, 8), 0));
  FIELDS_STORED(X)
#undef X
  v->num_reallocations = v->reallocs_in_place + v->reallocs_remapped + v->reallocs_copied;
  v->num_allocations = 0;
  const live_field *sizes = stats_live_find(f, LIVE_IN_SHARD, "size_histogram", BUCKET_BYTES),
                   *left = stats_live_find(f, LIVE_IN_SHARD, "left_histogram", BUCKET_BYTES);
  for (size_t i = 0; i < BUCKETS; i++) {
    v->size_histogram[i] = clamp(sum(f, pool, sizes, i));
    v->live_histogram[i] = clamp(v->size_histogram[i] - sum(f, pool, left, i));
    v->num_allocations += v->size_histogram[i];
  }
  read_live_and_peak(f, pool, runs, v);
  v->inherited_bytes = clamp(number_at(record, stats_live_find(f, LIVE_IN_POOL, "inherited", 8)));
  int64_t most = number_at(record, stats_live_find(f, LIVE_IN_POOL, "limit_bytes", 8));
  v->limit_bytes = most > 0 ? limit(most) : ARROWPOOL_UNKNOWN;
  read_end(f, record, &out->end);
  if (!number_at(record, stats_live_find(f, LIVE_IN_POOL, "sees_all", 8))) {
    pool_view_hide_frees(v);
    pool_view_hide_end(&out->end);
  }
}

/* ---- the process ---- */

static int64_t known_or_not(int64_t number) { return number > 0 ? limit(number) : ARROWPOOL_UNKNOWN; }

/* Sets the time, and what was resident then: of a process that is gone, at its last sign of life. */
static void read_moment(live_header *h, stats *out) {
  snapshot_process *p = &out->process;
  int64_t ended = atomic_load(&h->end_time), seen = known_or_not(atomic_load(&h->seen_time));
  bool runs = out->state == STATS_RUNNING;
  p->is_last_sign = !runs && ended <= 0;
  p->time = ended > 0 ? limit(ended) : runs ? clock_since_epoch() : seen;
  if (p->time != ARROWPOOL_UNKNOWN && p->time < p->start_time)
    p->time = p->start_time;
  snapshot_resident resident;
  live_process_read_resident(runs ? h->pid : 0, &resident);
  if (p->is_last_sign)
    resident = (snapshot_resident){.now = known_or_not(atomic_load(&h->rss_bytes)),
                                   .most = known_or_not(atomic_load(&h->peak_rss_bytes)),
                                   .anonymous = known_or_not(atomic_load(&h->anonymous_bytes))};
  p->rss_bytes = resident.now;
  p->peak_rss_bytes = resident.most;
  out->anonymous_bytes = resident.anonymous;
  p->idle_bytes = snapshot_idle(clamp(atomic_load(&h->idle_bytes)), &resident);
}

/* Returns how many processes the kernel has killed for lack of memory since the last sign of life. */
static int64_t count_kills_since(live_header *h, stats_state state) {
  h->kills.path[sizeof h->kills.path - 1] = 0;
  if (state != STATS_GONE || !*h->kills.path || !live_process_is_of_this_boot(h))
    return ARROWPOOL_UNKNOWN;
  int64_t count = memory_kills_count(&h->kills), before = atomic_load(&h->oom_kills);
  return count < 0 || before < 0 || before > count ? ARROWPOOL_UNKNOWN : count - before;
}

static void read_process(file *f, stats *out) {
  live_header *h = &f->header;
  snapshot_process *p = &out->process;
  out->state = live_process_state(h);
  out->from_live = true;
  p->pid = h->pid;
  p->start_time = clamp(h->start_time);
  read_moment(h, out);
  out->kills_since = count_kills_since(h, out->state);
  out->kills_of_machine = strcmp(h->kills.path, "/proc/vmstat") == 0;
  snprintf(p->program, sizeof p->program, "%.*s", (int)sizeof h->owner.program, h->owner.program);
  snprintf(p->host, sizeof p->host, "%.*s", (int)sizeof h->owner.host, h->owner.host);
  snprintf(p->job_name, sizeof p->job_name, "%.*s", (int)sizeof h->job_name, h->job_name);
  memcpy(out->command, h->owner.command, sizeof out->command);
  size_t length = sizeof out->command - 1;
  while (length && !out->command[length - 1])
    length--;
  for (size_t i = 0; i < length; i++)
    if (!out->command[i])
      out->command[i] = ' ';
  out->command[length] = 0;
  writer_make_printable(p->program);
  writer_make_printable(p->host);
  writer_make_printable(p->job_name);
  writer_make_printable(out->command);
  p->presence = atomic_load(&h->presence);
  p->limit_bytes = known_or_not(h->limit_bytes);
  p->group_limit_bytes = known_or_not(h->group_limit_bytes);
  p->jemalloc_active_bytes = p->jemalloc_resident_bytes = p->jemalloc_metadata_bytes = ARROWPOOL_UNKNOWN;
  out->lost = atomic_load(&h->lost);
}

static const char *read_figures(file *f, stats *out) {
  const char *problem = stats_live_read_all(f);
  if (problem)
    return problem;
  if (!sort_shards(f))
    return strerror(ENOMEM);
  f->baseline = stats_live_find(f, LIVE_IN_POOL, "baseline", 0);
  read_process(f, out);
  out->pools = calloc(f->pool_count + 1, sizeof *out->pools);
  if (!out->pools)
    return strerror(ENOMEM);
  for (uint32_t i = 0; i < f->pool_count; i++) {
    pool_view *p = &out->pools[out->pool_count];
    memset(p, 0, sizeof *p);
    text_at(f->pools + (size_t)i * f->header.pool_bytes,
            stats_live_find(f, LIVE_IN_POOL, "name", sizeof p->name), p->name, sizeof p->name);
    if (p->name[0])
      read_pool(f, i, out->state == STATS_RUNNING, p);
    out->pool_count += p->name[0] && stats_pool_used(p);
  }
  return NULL;
}

const char *stats_read_live(const char *path, stats *out) {
  struct stat status;
  const char *problem;
  file f = {.fd = open_regular(path, &status, &problem)};
  memset(out, 0, sizeof *out);
  if (problem)
    return problem;
  f.size = (uint64_t)status.st_size;
  problem = read_figures(&f, out);
  free(f.fields);
  free(f.pools);
  free(f.shards);
  free(f.order);
  free(f.first);
  close(f.fd);
  if (problem)
    stats_free(out);
  return problem;
}
