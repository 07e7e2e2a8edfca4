/* See house.h. */
#include "memory/decay.h"

#include "base/background_thread.h"
#include "base/clock.h"
#include "memory/slots.h"

#include <stdatomic.h>

static int64_t decay; /* milliseconds; constant after house_init */
static void (*return_small)(bool all);
static _Atomic int64_t small_freed_at; /* when a thread last passed HOUSE_SMALL_STEP (ms); 0: long ago */

__thread size_t house_small_freed;

void house_init(int64_t decay_, void (*return_small_)(bool all)) {
  decay = decay_;
  return_small = return_small_;
}

static bool waits(void) { return decay != 0 && decay != SLOTS_NEVER; }

/* jemalloc returns pages along a curve over the decay time, by the program's clock, so it is asked several
 * times. When all of them are due by ours, it is not left to that. */
static int64_t keep(void) {
  int64_t next = slots_expire(), freed_at = atomic_load(&small_freed_at);
  if (!freed_at)
    return next == SLOTS_NEVER ? KEEPER_DONE : next;
  bool all = vdso_clock_now() - freed_at > 2 * decay &&
             atomic_compare_exchange_strong(&small_freed_at, &freed_at, 0);
  return_small(all);
  int64_t again = all ? SLOTS_NEVER : decay / 2 + 10;
  next = next < again ? next : again;
  return next == SLOTS_NEVER ? KEEPER_DONE : next;
}

static keeper housekeeper = KEEPER(keep);
static _Atomic bool retired;

/* Without the thread what is due goes with the caller's free. */
static void wake(void) {
  if (__builtin_expect(atomic_load_explicit(&retired, memory_order_relaxed), 0))
    keep();
  else
    keeper_wake(&housekeeper);
}

void house_small_step(void) {
  house_small_freed = 0;
  if (!waits())
    return;
  atomic_store_explicit(&small_freed_at, vdso_clock_now(), memory_order_relaxed);
  wake();
}

void house_note_large(void) {
  if (waits() && slots_idle_bytes())
    wake();
}

bool house_is_here(void) { return keeper_is_here(&housekeeper); }

void house_wake(void) { wake(); }

void house_retire(void) {
  keeper_retire(&housekeeper);
  atomic_store(&retired, true);
}

void house_return(void) {
  atomic_store(&retired, false);
  keeper_return(&housekeeper);
}

bool house_pause(void) { return keeper_pause(&housekeeper); }

void house_resume(bool in_child) { keeper_resume(&housekeeper, in_child); }
