/* Writes the signs of life of heartbeat.h. It takes no lock; those who write at the same time write the same.
 */
#include "report/heartbeat.h"

#include "base/clock.h"
#include "base/nocancel.h"
#include "counters/counters.h"
#include "profile/profile.h"
#include "report/live.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static _Atomic int64_t beat_at;            /* when that was last done (ms, clock_milliseconds) */
static _Atomic int64_t live, live_at_beat; /* what the pools published so far, and until then (bytes) */

/* The thread, which blocks all other signals, gets those of a file that was cut off (base/file_fault.h). */
static void let_faults_come(bool come) {
  sigset_t fault;
  sigemptyset(&fault);
  sigaddset(&fault, SIGBUS);
  pthread_sigmask(come ? SIG_UNBLOCK : SIG_BLOCK, &fault, NULL);
}

void heartbeat_beat(void) {
  live_header *h = live_own_header();
  int saved = errno, cancel_state = nocancel_begin();
  let_faults_come(true);
  if (h) {
    int64_t kills = memory_kills_count(&h->kills);
    atomic_store(&live_at_beat, atomic_load(&live));
    atomic_store(&beat_at, clock_milliseconds());
    live_write_sign(h);
    if (kills >= 0)
      atomic_store(&h->oom_kills, kills);
  }
  profile_note_life();
  let_faults_come(false);
  nocancel_end(cancel_state);
  errno = saved;
}

/* An alternate signal stack has no room. */
static bool has_room(void) {
  stack_t stack;
  return sigaltstack(NULL, &stack) || !(stack.ss_flags & SS_ONSTACK);
}

static __attribute__((noinline, cold)) void beat_once(int64_t before, int64_t now, int64_t live_now) {
  live_header *h = live_own_header();
  if (!h || process_file_is_confined() || !atomic_compare_exchange_strong(&beat_at, &before, now) ||
      !has_room())
    return;
  int saved = errno, cancel_state = nocancel_begin();
  atomic_store(&live_at_beat, live_now);
  live_write_sign(h);
  nocancel_end(cancel_state);
  errno = saved;
}

static void on_publish(int64_t change) {
  int64_t live_now = atomic_fetch_add_explicit(&live, change, memory_order_relaxed) + change;
  int64_t more = live_now - atomic_load_explicit(&live_at_beat, memory_order_relaxed);
  int64_t now = clock_milliseconds(), before = atomic_load_explicit(&beat_at, memory_order_relaxed);
  if (now - before >= HEARTBEAT_BUSY || (more >= HEARTBEAT_GROWTH && now != before))
    beat_once(before, now, live_now);
}

void heartbeat_start(void) { counters_on_publish = on_publish; }
