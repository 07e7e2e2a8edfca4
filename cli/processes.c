/* See processes.h. */
#include "processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct processes_entry {
  uint64_t host; /* hash of its name */
  int64_t pid, start_time, time;
  bool used, is_live, added;
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
static bool is_live(const figures *f) { return f->from_live && !f->lost; }

static entry entry_of(const figures *f) {
  return (entry){.host = processes_hash(PROCESSES_HASH, f->host, strlen(f->host)),
                 .pid = f->pid,
                 .start_time = f->start_time,
                 .time = f->time,
                 .used = true,
                 .is_live = is_live(f)};
}

static bool same(const entry *a, const entry *b) {
  return a->host == b->host && a->pid == b->pid && a->start_time == b->start_time;
}

static bool newer(const entry *a, const entry *b) {
  return a->is_live != b->is_live ? a->is_live : a->time > b->time;
}

bool processes_same(const figures *a, const figures *b) {
  return a->pid == b->pid && a->start_time == b->start_time && strcmp(a->host, b->host) == 0;
}

bool processes_newer(const figures *a, const figures *b) {
  entry one = entry_of(a), other = entry_of(b);
  return newer(&one, &other);
}

/* The entry of that process, or the free one where it belongs. */
static entry *find(entry *entries, size_t room, const entry *wanted) {
  uint64_t hash = processes_hash(wanted->host, &wanted->pid, sizeof wanted->pid);
  hash = processes_hash(hash, &wanted->start_time, sizeof wanted->start_time);
  size_t i = (hash ^ hash >> 32) & (room - 1);
  while (entries[i].used && !same(&entries[i], wanted))
    i = (i + 1) & (room - 1);
  return &entries[i];
}

static void make_room(processes *p) {
  if (p->count < p->room / 4 * 3)
    return;
  size_t room = p->room ? p->room * 2 : 64;
  entry *entries = processes_grow(NULL, room, sizeof *entries);
  memset(entries, 0, room * sizeof *entries);
  for (size_t i = 0; i < p->room; i++)
    if (p->entries[i].used)
      *find(entries, room, &p->entries[i]) = p->entries[i];
  free(p->entries);
  p->entries = entries;
  p->room = room;
}

processes_verdict processes_judge(processes *p, const figures *f) {
  make_room(p);
  entry wanted = entry_of(f), *known = find(p->entries, p->room, &wanted);
  if (p->settled && known->used) {
    /* Of two that are alike one is added; one that has become newer meanwhile stands for what it replaced. */
    if (known->added || newer(known, &wanted))
      return PROCESSES_SKIP;
    known->added = true;
    return PROCESSES_COUNT;
  }
  processes_verdict verdict = !known->used            ? PROCESSES_COUNT
                              : newer(&wanted, known) ? PROCESSES_SUPERSEDE
                                                      : PROCESSES_SKIP;
  p->count += !known->used;
  wanted.added = true;
  if (verdict != PROCESSES_SKIP)
    *known = wanted;
  return verdict;
}

void processes_again(processes *p) {
  p->settled = true;
  for (size_t i = 0; i < p->room; i++)
    p->entries[i].added = false;
}

void processes_free(processes *p) {
  free(p->entries);
  *p = (processes){0};
}
