/* Runs the thread that writes dumps at intervals and beats (report/heartbeat.h), and handles the signal that
 * asks for a dump. */
#include "shim/dump/schedule.h"

#include "base/background_thread.h"
#include "base/clock.h"
#include "base/signals.h"
#include "counters/counters.h"
#include "report/heartbeat.h"
#include "shim/dump/dump.h"
#include "shim/router.h"

#include <signal.h>
#include <stdbool.h>

/* Returns the time between dumps (ms); 0: there are none in between. */
static int64_t interval(void) {
  const options_value *values = the_router.settings.values;
  return values[OPTION_STATS].text ? values[OPTION_STATS_INTERVAL].number : 0;
}

/* When the next dump is due, and the next beat (ms, clock_milliseconds). Dumps begin by waiting: 0. */
static int64_t due, beat_due;
static bool beats; /* there is a live file. A profile alone has no thread, with which no handler of a signal
                      may fork */

static int64_t until_dump(int64_t now) {
  if (!interval())
    return INT64_MAX;
  if (due && now >= due)
    dump_now(REPORT_ASK_JEMALLOC);
  if (!due || now >= due)
    due = now + interval();
  return due - now;
}

static int64_t until_beat(int64_t now) {
  if (!beats)
    return INT64_MAX;
  if (now >= beat_due) {
    heartbeat_beat();
    beat_due = now + HEARTBEAT_PERIOD;
  }
  return beat_due - now;
}

static int64_t work(void) {
  int64_t now = clock_milliseconds(), dump = until_dump(now), beat = until_beat(now);
  return dump < beat ? dump : beat;
}

static background_thread clock_keeper = BACKGROUND_THREAD(work);

/* Handles the signal. A fault would come again and again, so it ends the process. */
static void on_signal(int number, siginfo_t *info, void *context) {
  (void)context;
  dump_now(REPORT_SAFE);
  if (signals_is_fault(number, info))
    signals_end(number, info);
}

/* Catches the signal, unless the program has a handler; one that it brought along, or brings later, is the
 * program's choice. */
static void watch_signal(int number) {
  struct sigaction before,
      action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL &&
      sigaction(number, &action, NULL) == 0)
    return;
  router_warn(PIECES("ARROW_POOL_STATS_SIGNAL=", the_router.settings.values[OPTION_STATS_SIGNAL].text,
                     ": cannot be caught, or is in use already; no dump on it"));
}

static void wake(void) { background_thread_wake(&clock_keeper); }

void schedule_start(void) {
  const options_value *values = the_router.settings.values, *signal = &values[OPTION_STATS_SIGNAL];
  bool dumps = values[OPTION_STATS].text;
  beats = values[OPTION_LIVE].text;
  if (dumps && signal->given)
    watch_signal((int)signal->number);
  if (beats || (dumps && interval()))
    counters_on_new_shard = wake; /* a program that uses no pool gets no thread */
}

bool schedule_is_here(void) { return background_thread_is_here(&clock_keeper); }

void schedule_retire(void) { background_thread_retire(&clock_keeper); }

void schedule_return(void) { background_thread_return(&clock_keeper); }

static bool was_running; /* the background thread's lock, held from pause to resume, protects it */

void schedule_prefork(void) { was_running = background_thread_pause(&clock_keeper); }

static void go_on(bool in_child) {
  bool again = was_running;
  background_thread_resume(&clock_keeper, in_child);
  if (again)
    wake();
}

void schedule_postfork_parent(void) { go_on(false); }

void schedule_postfork_child(void) {
  due = beat_due = 0;
  go_on(true);
}
