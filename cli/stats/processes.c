/* Judges which figures of a process count. */
#include "cli/stats/processes.h"

#include <string.h>

typedef struct processes_entry {
  uint64_t host; /* it is the hash of its name */
  int64_t start_time, time;
  uint64_t pid : 62; /* far more than there are; so the entry has no padding */
  bool is_live : 1, added : 1;
} entry;

/* Returns whether it counts as a live file: one that lost records tells less than a dump. */
static bool is_live(const stats *f) { return f->from_live && !f->lost; }

static entry entry_of(const stats *f) {
  return (entry){.host = hash_index_hash(HASH_INDEX_START, f->process.host, strlen(f->process.host)),
                 .pid = (uint64_t)f->process.pid,
                 .start_time = f->process.start_time,
                 .time = f->process.time,
                 .is_live = is_live(f)};
}

static bool same(const entry *a, const entry *b) {
  return a->host == b->host && a->pid == b->pid && a->start_time == b->start_time;
}

static bool newer(const entry *a, const entry *b) {
  return a->is_live != b->is_live ? a->is_live : a->time > b->time;
}

bool processes_same(const snapshot_process *a, const snapshot_process *b) {
  return a->pid == b->pid && a->start_time == b->start_time && strcmp(a->host, b->host) == 0;
}

bool processes_newer(const stats *a, const stats *b) {
  entry one = entry_of(a), other = entry_of(b);
  return newer(&one, &other);
}

static uint64_t hash_entry(const void *one) {
  const entry *e = one;
  uint64_t pid = e->pid, hash = hash_index_hash(e->host, &pid, sizeof pid);
  return hash_index_hash(hash, &e->start_time, sizeof e->start_time);
}

static bool same_entry(const void *a, const void *b) { return same(a, b); }

static const hash_index_kind by_process = {sizeof(entry), hash_entry, same_entry};

processes_verdict processes_judge(processes *p, const stats *f) {
  entry wanted = entry_of(f), *known = hash_index_find(&p->entries, &by_process, &wanted);
  wanted.added = true;
  if (!known) {
    hash_index_add(&p->entries, &by_process, &wanted);
    return PROCESSES_COUNT;
  }
  if (p->settled) {
    /* Of two that are alike one is added; one that has become newer meanwhile stands for what it replaced. */
    if (known->added || newer(known, &wanted))
      return PROCESSES_SKIP;
    known->added = true;
    return PROCESSES_COUNT;
  }
  if (!newer(&wanted, known))
    return PROCESSES_SKIP;
  *known = wanted;
  return PROCESSES_SUPERSEDE;
}

void processes_again(processes *p) {
  p->settled = true;
  for (entry *e = p->entries.entries, *end = e + p->entries.count; e < end; e++)
    e->added = false;
}

void processes_free(processes *p) {
  hash_index_free(&p->entries);
  p->settled = false;
}
