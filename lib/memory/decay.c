/* Runs the housekeeping thread, and does its work at the program's frees where there is no thread. */
#include "memory/decay.h"

#include "base/background_thread.h"
#include "base/clock.h"
#include "base/pressure.h"
#include "memory/idle.h"
#include "memory/slots.h"

#include <stdatomic.h>

static int64_t decay; /* milliseconds; constant after decay_init */
static void (*return_small)(decay_share share);
static _Atomic int64_t small_freed_at; /* when a thread last passed DECAY_SMALL_STEP (ms); 0: long ago */
static _Atomic bool retired;

/* A free that finds this true has the thread look again: else its pages would wait for longer than they are
 * kept from the kernel. */
static _Atomic bool sleeps_long;

/* These belong to the thread (ms): when it asks jemalloc for what is due, and lazily; when it last did the
 * latter, twice; and until when it stays. */
static int64_t due_at, lazily_at, last_lazily, last_lazily_but_one, stay_until;
static pressure memory_pressure;

void decay_init(int64_t decay_, void (*return_small_)(decay_share share)) {
  decay = decay_;
  return_small = return_small_;
}

static bool waits(void) { return decay != 0 && decay != SLOTS_NEVER; }

/* jemalloc returns what was unused for the decay time, by the program's clock, so it is asked several times.
 * When all pages are due by our clock, we do not leave it to that. */
static int64_t keep_small_due(int64_t now, int64_t freed_at, bool in_thread) {
  int64_t step = decay / 2 + 10;
  if (now - freed_at > 2 * decay && atomic_compare_exchange_strong(&small_freed_at, &freed_at, 0)) {
    return_small(DECAY_ALL);
    return SLOTS_NEVER;
  }
  if (in_thread && now < due_at)
    return due_at - now;
  return_small(DECAY_DUE);
  if (in_thread)
    due_at = now + step;
  return step;
}

/* What goes back lazily is what was unused from one look to the next: after the last free there are two. */
static int64_t keep_small_lazily(int64_t now, int64_t freed_at) {
  if (now >= lazily_at) {
    return_small(DECAY_LAZILY);
    last_lazily_but_one = last_lazily;
    last_lazily = now;
    lazily_at = now + idle_lazily_after();
  }
  return freed_at >= last_lazily_but_one ? lazily_at - now : SLOTS_NEVER;
}

static int64_t keep_small(int64_t now, bool lazily, bool in_thread) {
  int64_t freed_at = atomic_load(&small_freed_at);
  if (!freed_at)
    return SLOTS_NEVER;
  int64_t due = keep_small_due(now, freed_at, in_thread);
  if (!lazily || due == SLOTS_NEVER)
    return due;
  int64_t due_lazily = keep_small_lazily(now, freed_at);
  return due < due_lazily ? due : due_lazily;
}

/* Returns what is due; the result is the milliseconds until more is. */
static int64_t keep(bool lazily, bool in_thread) {
  int64_t next = slots_expire(), small = keep_small(clock_milliseconds(), lazily, in_thread);
  return next < small ? next : small;
}

/* Returns when the thread looks again (ms). Where the program uses all idle pages again it stays for as long
 * as they might have been idle, since it would be started anew for the next ones. */
static int64_t next_look(int64_t due, int64_t now) {
  if (due == SLOTS_NEVER && stay_until - now <= decay / 4)
    return BACKGROUND_THREAD_DONE;
  int64_t wait = due == SLOTS_NEVER ? stay_until - now : due;
  return wait < BACKGROUND_THREAD_LONGEST_WAIT ? wait : BACKGROUND_THREAD_LONGEST_WAIT;
}

/* The thread's work. */
static int64_t work(void) {
  bool lazily = idle_lazily_after() != INT64_MAX;
  atomic_store(&sleeps_long, lazily);
  if (pressure_rose(&memory_pressure, "", clock_microseconds())) {
    slots_release_idle();
    return_small(DECAY_ALL);
    stay_until = 0;
  }
  int64_t due = keep(lazily, true), now = clock_milliseconds();
  if (lazily && due <= IDLE_LAZILY_AFTER)
    stay_until = now + decay;
  int64_t next = next_look(due, now);
  if (next <= IDLE_LAZILY_AFTER || next == BACKGROUND_THREAD_DONE)
    atomic_store(&sleeps_long, false);
  return next;
}

static background_thread decay_thread = BACKGROUND_THREAD(work);

/* Without the thread the caller's free returns what is due. */
static void wake(void) {
  if (__builtin_expect(atomic_load_explicit(&retired, memory_order_relaxed), 0)) {
    keep(false, false);
    return;
  }
  background_thread_wake(&decay_thread);
  if (atomic_load_explicit(&sleeps_long, memory_order_relaxed) && atomic_exchange(&sleeps_long, false))
    background_thread_hurry(&decay_thread);
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
  idle_allow_lazily(false); /* the kernel may not be asked for what malloc needs no other way */
  atomic_store(&retired, true);
}

void decay_return(void) {
  atomic_store(&retired, false);
  idle_allow_lazily(true);
  background_thread_return(&decay_thread);
}

bool decay_pause(void) { return background_thread_pause(&decay_thread); }

void decay_resume(bool in_child) { background_thread_resume(&decay_thread, in_child); }
