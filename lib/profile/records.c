/* Keeps the records of sampled buffers. */
#include "profile/records.h"

#include "profile/exponential.h"

#include <string.h>

static double live;         /* bytes that all records stand for, withdrawn ones included */
static uint32_t free_first; /* released records, chained by store_records.next; 0: none */

double records_live(void) { return live; }

double records_weight(float exposure) {
  static float known;
  static double weight;
  if (exposure != known) {
    weight = 1 / exponential_below((double)exposure);
    known = exposure;
  }
  return weight;
}

static profile_record *record_at(uint32_t number) { return store_record(PROFILE_RECORDS, number); }

uint32_t records_withdraw(const void *buffer) {
  uint64_t hash = records_hash(buffer);
  for (uint32_t number = store_first(&store_records, hash); number; number = store_records.next[number]) {
    profile_record *r = record_at(number);
    if (atomic_load_explicit(&r->address, memory_order_relaxed) == (uintptr_t)buffer) {
      atomic_store_explicit(&r->address, 0, memory_order_release);
      store_unlink(&store_records, hash, number);
      return number;
    }
  }
  return 0;
}

uint32_t records_take(void) {
  uint32_t number = free_first;
  if (number)
    free_first = store_records.next[number];
  else
    number = store_take(PROFILE_RECORDS, 1);
  if (number)
    memset(record_at(number), 0, sizeof(profile_record));
  return number;
}

void records_enter(uint32_t number, const void *buffer, int64_t size) {
  profile_record *r = record_at(number);
  double bytes = (double)size * records_weight(r->exposure);
  live += bytes - store_record_bytes[number];
  store_record_bytes[number] = bytes;
  r->size = (uint64_t)size;
  atomic_store_explicit(&r->address, (uintptr_t)buffer, memory_order_release);
  store_link(&store_records, records_hash(buffer), number);
}

void records_release(uint32_t number) {
  profile_record *r = record_at(number);
  live -= store_record_bytes[number];
  store_record_bytes[number] = 0;
  r->size = 0;
  store_records.next[number] = free_first;
  free_first = number;
}

/* Of a record that is released the size is 0; of one that is withdrawn it is the last one. */
static void sum_up(profile_sum *sums) {
  uint32_t count = store_used(PROFILE_RECORDS);
  for (uint32_t number = 1; number < count; number++) {
    const profile_record *r = record_at(number);
    if (!r->size || r->stack >= store_used(PROFILE_STACKS))
      continue;
    sums[r->stack].bytes += (int64_t)store_record_bytes[number];
    sums[r->stack].count += (int64_t)(1024 * records_weight(r->exposure));
  }
}

void records_keep_peak(int64_t time) {
  profile_header *h = store_header();
  profile_section *s = &h->sections[PROFILE_PEAK];
  uint32_t half = STORE_MOST_STACKS, stacks = store_used(PROFILE_STACKS);
  uint32_t which = !atomic_load_explicit(&h->peak_which, memory_order_relaxed);
  if (!store_has_room(PROFILE_PEAK, which * half + stacks))
    return;
  profile_sum *sums = store_record(PROFILE_PEAK, which * half);
  memset(sums, 0, stacks * sizeof *sums);
  sum_up(sums);
  atomic_store_explicit(&h->peak_bytes, (int64_t)live, memory_order_relaxed);
  atomic_store_explicit(&h->peak_time, time, memory_order_relaxed);
  atomic_store_explicit(&s->used, stacks, memory_order_relaxed);
  atomic_store_explicit(&h->peak_which, which, memory_order_release);
  atomic_fetch_add_explicit(&h->peak_version, 1, memory_order_release);
}

void records_fork_child(void) {
  live = 0;
  free_first = 0;
}
