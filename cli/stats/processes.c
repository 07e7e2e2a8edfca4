/* See processes.h. */
#include "cli/stats/processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct processes_entry {
  uint64_t host; /* hash of its name */
  int64_t start_time, time;
  uint64_t pid : 62; /* far more than there are; so the entry has no padding */
  bool is_live : 1, added : 1;
} entry;

/* FNV-1a. */
uint64_t processes_hash(uint64_t hash, const void *bytes, size_t size) {
  for (const unsigned char *at = bytes; size--; at++)
    hash = (hash ^ *at) * UINT64_C(0x100000001b3);
  return hash;
}

void *processes_grow(void *memory, size_t count, size_t size) {
  void *grown = reallocarray(memory, count, size);
  if (!grown) {
    fputs("arrowpool: out of memory\n", stderr);
    exit(1);
  }
  return grown;
}

/* A live file that lost records tells less than a dump. */
static bool is_live(const stats *f) { return f->from_live && !f->lost; }

static entry entry_of(const stats *f) {
  return (entry){.host = processes_hash(PROCESSES_HASH, f->process.host, strlen(f->process.host)),
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

bool processes_same(const stats *a, const stats *b) {
  return a->process.pid == b->process.pid && a->process.start_time == b->process.start_time &&
         strcmp(a->process.host, b->process.host) == 0;
}

bool processes_newer(const stats *a, const stats *b) {
  entry one = entry_of(a), other = entry_of(b);
  return newer(&one, &other);
}

/* The slot of that process, or the free one where it belongs. */
static uint32_t *find(const processes *p, const entry *wanted) {
  uint64_t pid = wanted->pid, hash = processes_hash(wanted->host, &pid, sizeof pid);
  hash = processes_hash(hash, &wanted->start_time, sizeof wanted->start_time);
  size_t i = (hash ^ hash >> 32) & (p->slot_count - 1);
  while (p->slots[i] && !same(&p->entries[p->slots[i] - 1], wanted))
    i = (i + 1) & (p->slot_count - 1);
  return &p->slots[i];
}

/* Entries stay in order and only the index is made anew: memory that is not written yet takes no room, and
 * what grows need not be there twice. */
static void make_room(processes *p) {
  if (p->count < p->room)
    return;
  p->room = p->room ? p->room * 2 : 64;
  p->entries = processes_grow(p->entries, p->room, sizeof *p->entries);
  p->slot_count = p->room * 2;
  free(p->slots);
  p->slots = processes_grow(NULL, p->slot_count, sizeof *p->slots);
  memset(p->slots, 0, p->slot_count * sizeof *p->slots);
  for (size_t i = 0; i < p->count; i++)
    *find(p, &p->entries[i]) = (uint32_t)i + 1;
}

processes_verdict processes_judge(processes *p, const stats *f) {
  make_room(p);
  entry wanted = entry_of(f);
  uint32_t *slot = find(p, &wanted);
  wanted.added = true;
  if (!*slot) {
    p->entries[p->count++] = wanted;
    *slot = (uint32_t)p->count;
    return PROCESSES_COUNT;
  }
  entry *known = &p->entries[*slot - 1];
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
  for (size_t i = 0; i < p->count; i++)
    p->entries[i].added = false;
}

void processes_free(processes *p) {
  free(p->entries);
  free(p->slots);
  *p = (processes){0};
}
