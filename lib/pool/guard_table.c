/* Keeps live buffers in open-addressed tables that are never full; who only wants to know whether an address
 * is in one of them is told by a set of marks beside them, without a lock. */
#include "pool/guard_table.h"

#include "base/address_set.h"
#include "base/locks.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#define SHARDS      ((size_t)LOCK_GUARD_SHARDS)
#define FIRST_ROOM  ((size_t)1 << 10)
#define FREED_COUNT ((size_t)1 << 12) /* places for freed buffers in a shard; a power of two */

typedef struct shard { /* the lock of its index protects it */
  guard_buffer *live;
  size_t room, used;   /* entries of `live`: a power of two, or 0; and those of them in use */
  guard_buffer *freed; /* NULL: there are none yet */
} shard;

static shard shards[SHARDS];

/* It has the addresses in `live` of all shards, which are marked before they are there, and after. */
static address_set live_marks;
static _Atomic bool unmarked; /* no mark could be had for some */

static uint64_t hash_of(const void *address) {
  return ((uint64_t)(uintptr_t)address >> 3) * UINT64_C(0x9e3779b97f4a7c15);
}

static shard *lock(const void *address) {
  size_t index = hash_of(address) >> 32 & (SHARDS - 1);
  locks_acquire(LOCK_GUARDS + (int)index);
  return &shards[index];
}

static void unlock(const shard *s) { locks_release(LOCK_GUARDS + (int)(s - shards)); }

static guard_buffer *take_memory(size_t count) {
  int saved = errno;
  void *memory =
      mmap(NULL, count * sizeof(guard_buffer), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  errno = saved;
  return memory == MAP_FAILED ? NULL : memory;
}

static size_t home_of(const void *address, size_t room) { return hash_of(address) >> 36 & (room - 1); }

/* Returns where the address is, or would be, in a shard that has room. */
static guard_buffer *place_of(const shard *s, const void *address) {
  size_t i = home_of(address, s->room);
  while (s->live[i].address && s->live[i].address != address)
    i = (i + 1) & (s->room - 1);
  return &s->live[i];
}

static bool grow(shard *s) {
  shard larger = *s;
  larger.room = s->room ? s->room * 2 : FIRST_ROOM;
  larger.live = take_memory(larger.room);
  if (!larger.live)
    return false;
  for (size_t i = 0; i < s->room; i++)
    if (s->live[i].address)
      *place_of(&larger, s->live[i].address) = s->live[i];
  if (s->room)
    munmap(s->live, s->room * sizeof *s->live);
  *s = larger;
  return true;
}

/* Takes an entry out. The gap is closed, so that no search ends at it too early. */
static void take_out(shard *s, const guard_buffer *at) {
  size_t mask = s->room - 1, gap = (size_t)(at - s->live);
  for (size_t i = (gap + 1) & mask; s->live[i].address; i = (i + 1) & mask)
    if (((i - home_of(s->live[i].address, s->room)) & mask) >= ((i - gap) & mask)) {
      s->live[gap] = s->live[i];
      gap = i;
    }
  s->live[gap].address = NULL;
  s->used--;
}

static guard_buffer *freed_place(const shard *s, const void *address) {
  return s->freed ? &s->freed[home_of(address, FREED_COUNT)] : NULL;
}

static guard_record record_of(const shard *s, const void *address) {
  const guard_buffer *live = s->room ? place_of(s, address) : NULL, *freed = freed_place(s, address);
  guard_record found = {{0}, {0}};
  if (live && live->address)
    found.live = *live;
  if (freed && freed->address == address)
    found.freed = *freed;
  return found;
}

bool guard_table_enter(const guard_buffer *b) {
  shard *s = lock(b->address);
  guard_buffer *freed = freed_place(s, b->address);
  if (freed && freed->address == b->address)
    freed->address = NULL;
  bool fits = s->used < s->room / 4 * 3 || grow(s);
  if (fits) {
    guard_buffer *place = place_of(s, b->address);
    if (!address_set_add(&live_marks, b->address))
      unmarked = true;
    s->used += !place->address;
    *place = *b;
  }
  unlock(s);
  return fits;
}

guard_record guard_table_find(const void *address) {
  shard *s = lock(address);
  guard_record found = record_of(s, address);
  unlock(s);
  return found;
}

bool guard_table_is_live(const void *address) {
  if (address_set_has(&live_marks, address))
    return true;
  return atomic_load_explicit(&unmarked, memory_order_relaxed) && guard_table_find(address).live.address;
}

guard_record guard_table_free(const void *address, const char *pool) {
  shard *s = lock(address);
  guard_record found = record_of(s, address);
  if (found.live.address && found.live.pool == pool) {
    take_out(s, place_of(s, address));
    address_set_remove(&live_marks, address);
    if (!s->freed)
      s->freed = take_memory(FREED_COUNT);
    if (s->freed)
      *freed_place(s, address) = found.live;
  }
  unlock(s);
  return found;
}

bool guard_table_any(bool (*is_it)(const guard_buffer *b, void *context), void *context) {
  bool found = false;
  for (size_t index = 0; index < SHARDS && !found; index++) {
    const shard *s = &shards[index];
    locks_acquire(LOCK_GUARDS + (int)index);
    for (size_t i = 0; i < s->room && !found; i++)
      found = s->live[i].address && is_it(&s->live[i], context);
    unlock(s);
  }
  return found;
}
