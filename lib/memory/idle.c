/* Sums up what is live and idle, over two periods of the decay time. */
#include "memory/idle.h"

#include "base/clock.h"
#include "base/fork_detect.h"

#include <stdatomic.h>

/* So much more than what was live may be idle: phases of a program leave pages behind that do not fit the
 * next one's buffers, and to touch others is dear. It was resident at that time, too. */
#define SPARE_SHARE 4

static int64_t decay; /* constant after idle_init, as is what follows */
static size_t rounding;
static _Atomic bool lazily_forbidden;

static _Atomic size_t live_bytes, all_idle_bytes;
static _Atomic size_t peak_live, last_peak_live; /* of this period and of the one before */
static _Atomic int64_t period_start;
static _Atomic(_Atomic int64_t *) published; /* a copy of all_idle_bytes, about up to date */

void idle_init(int64_t decay_, size_t rounding_) {
  decay = decay_;
  rounding = rounding_;
}

bool idle_is_kept(void) { return decay != 0; }

int64_t idle_lazily_after(void) {
  bool lazily = decay >= 2 * IDLE_LAZILY_AFTER && decay != INT64_MAX &&
                !atomic_load_explicit(&lazily_forbidden, memory_order_relaxed);
  return lazily ? IDLE_LAZILY_AFTER : INT64_MAX;
}

void idle_allow_lazily(bool allowed) { atomic_store(&lazily_forbidden, !allowed); }

size_t idle_bytes(void) { return atomic_load_explicit(&all_idle_bytes, memory_order_relaxed); }

void idle_publish(_Atomic int64_t *copy) { atomic_store(&published, copy); }

/* A period ends when it is as old as the decay time; where that has no limit, it never does. */
static void note_live(size_t live) {
  int64_t start = atomic_load_explicit(&period_start, memory_order_relaxed), now = clock_milliseconds();
  if (decay != INT64_MAX && now - start > decay && atomic_compare_exchange_strong(&period_start, &start, now))
    atomic_store(&last_peak_live, atomic_exchange(&peak_live, live));
  size_t peak = atomic_load_explicit(&peak_live, memory_order_relaxed);
  while (live > peak && !atomic_compare_exchange_weak(&peak_live, &peak, live)) {
  }
}

void idle_note(ptrdiff_t live, ptrdiff_t idle) {
  if (idle) {
    size_t before = atomic_fetch_add_explicit(&all_idle_bytes, (size_t)idle, memory_order_relaxed);
    _Atomic int64_t *copy = atomic_load_explicit(&published, memory_order_relaxed);
    if (copy && fork_detect_is_own())
      atomic_store_explicit(copy, (int64_t)(before + (size_t)idle), memory_order_relaxed);
  }
  if (live)
    note_live(atomic_fetch_add_explicit(&live_bytes, (size_t)live, memory_order_relaxed) + (size_t)live);
}

size_t idle_most(void) {
  size_t now = atomic_load_explicit(&peak_live, memory_order_relaxed);
  size_t last = atomic_load_explicit(&last_peak_live, memory_order_relaxed);
  size_t most = now > last ? now : last;
  return most + most / SPARE_SHARE + 2 * rounding;
}

bool idle_has_room(size_t bytes) {
  size_t live = atomic_load_explicit(&live_bytes, memory_order_relaxed);
  return idle_bytes() + bytes <= live / IDLE_SETTLED_SHARE + 2 * rounding;
}
