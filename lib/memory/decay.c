/* Runs the housekeeping thread, and does its work at the program's frees where there is no thread. */
#include "memory/decay.h"

#include "base/background_thread.h"
#include "base/clock.h"
#include "memory/idle.h"
#include "memory/slots.h"

#include <stdatomic.h>

static int64_t decay; /* milliseconds; constant after decay_init */
static void (*return_small)(bool all);
static _Atomic int64_t small_freed_at; /* when a thread last passed DECAY_SMALL_STEP (ms); 0: long ago */

void decay_init(int64_t decay_, void (*return_small_)(bool all)) {
  decay = decay_;
  return_small = return_small_;
}

static bool waits(void) { return decay != 0 && decay != SLOTS_NEVER; }

/* The thread's work. jemalloc returns pages along a curve over the decay time, by the program's clock, so it
 * is asked several times. When all pages are due by our clock, we do not leave it to that. */
static int64_t decay_keep(void) {
  int64_t next = slots_expire(), freed_at = atomic_load(&small_freed_at);
  if (!freed_at)
    return next == SLOTS_NEVER ? BACKGROUND_THREAD_DONE : next;
  bool all = clock_milliseconds() - freed_at > 2 * decay &&
             atomic_compare_exchange_strong(&small_freed_at, &freed_at, 0);
  return_small(all);
  int64_t again = all ? SLOTS_NEVER : decay / 2 + 10;
  next = next < again ? next : again;
  return next == SLOTS_NEVER ? BACKGROUND_THREAD_DONE : next;
}

static background_thread decay_thread = BACKGROUND_THREAD(decay_keep);
static _Atomic bool retired;

/* Without the thread the caller's free returns what is due. */
static void wake(void) {
  if (__builtin_expect(atomic_load_explicit(&retired, memory_order_relaxed), 0))
    decay_keep();
  else
    background_thread_wake(&decay_thread);
}

void decay_small_step(void) {
  if (!waits())
    return;
  atomic_store_explicit(&small_freed_at, clock_milliseconds(), memory_order_relaxed);
  wake();
}

void decay_note_large(void) {
  if (waits() && idle_bytes())
    wake();
}

bool decay_is_here(void) { return background_thread_is_here(&decay_thread); }

void decay_wake(void) { wake(); }

void decay_retire(void) {
  background_thread_retire(&decay_thread);
  atomic_store(&retired, true);
}

void decay_return(void) {
  atomic_store(&retired, false);
  background_thread_return(&decay_thread);
}

bool decay_pause(void) { return background_thread_pause(&decay_thread); }

void decay_resume(bool in_child) { background_thread_resume(&decay_thread, in_child); }
