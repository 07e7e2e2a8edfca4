/* Keeps the records of pools and shards, in memory of its own until a live file takes them. */
#include "counters/counters_area.h"

#include "base/fork_detect.h"
#include "base/locks.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_STEP ((size_t)64 << 10)

static area_pool own_pools[POOL_COUNT];
area_pool *_Atomic area_pools = own_pools;
_Atomic(area_shard *) area_shards[POOL_COUNT];
void (*area_prepare_pool)(unsigned pool);
void (*area_leave)(void);
bool area_is_forking;
static area_shard *(*take_shard_elsewhere)(void);

void *area_take_memory(size_t size) {
  static char *next, *end;
  size = (size + 63) & ~(size_t)63;
  if ((size_t)(end - next) < size) {
    char *fresh = mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
      return NULL;
    next = fresh;
    end = fresh + MEMORY_STEP;
  }
  void *memory = next;
  next += size;
  return memory;
}

void *area_take_block(size_t size) {
  void *block = fork_detect_take(size);
  return block ? block : area_take_memory(size);
}

bool area_settle(void) {
  if (fork_detect_is_own())
    return true;
  if (area_is_forking)
    return false;
  if (fork_detect_claim()) {
    locks_reset(LOCK_SHARDS);
    if (area_leave)
      area_leave();
    fork_detect_renew();
  }
  return true;
}

area_shard *area_take_shard(void) {
  area_shard *s = take_shard_elsewhere ? take_shard_elsewhere() : NULL;
  return s ? s : area_take_memory(sizeof *s);
}

void area_use(area_pool *pools, area_shard *(*take_shard)(void)) {
  area_pools = pools;
  take_shard_elsewhere = take_shard;
}

/* Returns where a pointer's target is in the copy; what was not copied is where it was. */
static void *in_copy(void *pointer, const char *from, size_t size, char *copy) {
  size_t offset = (uintptr_t)pointer - (uintptr_t)from;
  return offset < size ? copy + offset : pointer;
}

void area_move(const void *from, size_t size, void *copy) {
  area_pools = in_copy(area_pools, from, size, copy);
  for (unsigned pool = 0; pool < POOL_COUNT; pool++) {
    area_shards[pool] = in_copy(area_shards[pool], from, size, copy);
    for (area_shard *s = area_shards[pool]; s; s = s->next)
      s->next = in_copy(s->next, from, size, copy);
  }
}

void area_forget(void) {
  memset(own_pools, 0, sizeof own_pools);
  memset(area_shards, 0, sizeof area_shards);
  area_use(own_pools, NULL);
}
