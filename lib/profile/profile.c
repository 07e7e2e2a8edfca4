/* Takes the samples of profile.h. */
#include "profile/profile.h"

#include "base/clock.h"
#include "base/locks.h"
#include "base/nocancel.h"
#include "base/presence.h"
#include "base/process_file.h"
#include "profile/modules.h"
#include "profile/python_frames.h"
#include "profile/stacks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SECOND          1000          /* milliseconds */
#define MOST_PER_SECOND 2000          /* samples: twice as many bytes lie between two of them from then on */
#define CALM            (10 * SECOND) /* after which the mean goes back */
#define PEAK_STEP       1.05          /* the peak is kept anew when it has risen so far */

_Atomic bool profile_begun;
static unsigned with;
static int64_t wanted_mean;
static struct { int64_t began, samples, changed; } budget; /* under LOCK_PROFILE */

/* ---- start ---- */

/* What is allocated while a sample is taken is not sampled; the caller's errno stays, and its cancellation
 * waits. */
typedef struct slow_work {
  int saved, cancel_state;
  bool was_busy;
} slow_work;

static slow_work begin(void) {
  slow_work work = {errno, nocancel_begin(), stream_own.busy};
  stream_own.busy = true;
  return work;
}

static void end(slow_work work) {
  stream_own.busy = work.was_busy;
  nocancel_end(work.cancel_state);
  errno = work.saved;
}

static void (*watch_tasks)(void);

void profile_set_task_watch(void (*watch)(void)) { watch_tasks = watch; }

bool profile_start(const profile_wanted *wanted) {
  static atomic_flag once = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&once) || !store_start(wanted->directory, wanted->keep, wanted->complain))
    return false;
  with = wanted->with;
  wanted_mean = wanted->mean;
  atomic_store(&stream_mean, wanted->mean);
  unwind_start((const void *)&profile_begun); /* which lies in our library */
  modules_start();
  profile_look_for_python();
  atomic_store(&profile_begun, true);
  if (with & PROFILE_WITH_TASKS && watch_tasks)
    watch_tasks();
  return true;
}

void profile_note_life(void) {
  profile_header *h = store_header();
  if (h && store_is_own())
    atomic_store_explicit(&h->seen_time, clock_since_epoch(), memory_order_relaxed);
}

/* The process's own end; the ways past this one are the shim's to see. */
static __attribute__((destructor(101))) void note_end(void) { profile_finish(true); }

void profile_library_comes(void) {
  if (profile_on())
    unwind_forget();
}

void profile_look_for_python(void) {
  uint64_t from, to;
  slow_work work = begin();
  if (with & PROFILE_WITH_PYTHON && python_frames_state() == PROFILE_PYTHON_ABSENT && python_frames_start() &&
      python_frames_text(&from, &to))
    unwind_stop_at(from, to);
  end(work);
}

/* ---- walks ---- */

/* A walk before the frames of Python have their numbers. */
typedef struct raw_walk {
  stacks_walk stack;
  python_frame frames[PROFILE_MOST_PYTHON];
} raw_walk;

static void walk_python(raw_walk *w) {
  size_t count = with & PROFILE_WITH_PYTHON ? python_frames_walk(w->frames, PROFILE_MOST_PYTHON) : 0;
  w->stack.python_count = (uint16_t)count;
  w->stack.kind = count ? PROFILE_OWN : PROFILE_NO_PYTHON;
}

static void walk_from(unwind_frame from, raw_walk *w) {
  w->stack.native_count = 0;
  if (with & PROFILE_WITH_NATIVE)
    w->stack.native_count = (uint16_t)unwind_stack(from, w->stack.words, PROFILE_MOST_NATIVE);
  walk_python(w);
}

/* Looks the frames up. Returns whether all of them have numbers. The caller holds the lock. */
static bool find_frames(raw_walk *w) {
  uint64_t *words = w->stack.words + w->stack.native_count;
  bool all = true;
  for (unsigned i = 0; i < w->stack.python_count; i++) {
    words[i] = stacks_find_frame(&w->frames[i]);
    all &= words[i] != 0;
  }
  return all;
}

/* Has the interpreter describe those that have no number yet, without the lock, and adds them. */
static void add_frames(raw_walk *w) {
  uint64_t *words = w->stack.words + w->stack.native_count;
  python_line line;
  for (unsigned i = 0; i < w->stack.python_count; i++)
    if (!words[i] && python_frames_describe(&w->frames[i], &line)) {
      locks_acquire(LOCK_PROFILE);
      words[i] = stacks_add_frame(&w->frames[i], &line);
      locks_release(LOCK_PROFILE);
    }
}

/* Takes the lock. Returns the file's header, with all frames of the walk numbered; NULL: there is no file. */
static profile_header *lock_and_number(raw_walk *w) {
  locks_acquire(LOCK_PROFILE);
  profile_header *h = store_open();
  if (h && !find_frames(w)) {
    locks_release(LOCK_PROFILE);
    add_frames(w);
    locks_acquire(LOCK_PROFILE);
    h = store_open();
  }
  return h;
}

/* ---- samples ---- */

/* A file that is another process's is not touched. An alternate signal stack has no room. In a process that
 * confines itself the kernel is not asked for anything. */
static bool may_sample(void) {
  stack_t stack;
  return !process_file_is_confined() && store_is_own() &&
         (sigaltstack(NULL, &stack) || !(stack.ss_flags & SS_ONSTACK));
}

static void set_mean(int64_t mean, int64_t now) {
  atomic_store_explicit(&stream_mean, mean, memory_order_relaxed);
  budget.changed = now;
}

static void raise_mean(int64_t now) {
  if (stream_mean < INT64_MAX / 4)
    set_mean(stream_mean * 2, now);
}

/* Returns whether `duration` has passed since `then`: also where somebody has set the clock back. */
static bool has_passed(int64_t duration, int64_t then, int64_t now) {
  return now < then || now - then >= duration;
}

/* Keeps the rate of samples in bounds, at any rate of allocation. */
static void keep_to_budget(profile_header *h, int64_t now) {
  if (has_passed(SECOND, budget.began, now)) {
    if (stream_mean > wanted_mean && has_passed(CALM, budget.changed, now))
      set_mean(stream_mean / 2, now);
    budget.began = now;
    budget.samples = 0;
  }
  if (++budget.samples > MOST_PER_SECOND) {
    raise_mean(now);
    budget.samples = 0;
  }
  atomic_store_explicit(&h->mean_now, stream_mean, memory_order_relaxed);
}

static _Atomic bool tasks_are_told;

static void note_state(profile_header *h) {
  uint32_t python = with & PROFILE_WITH_PYTHON ? python_frames_state() : PROFILE_PYTHON_OFF;
  h->mean = wanted_mean;
  atomic_store_explicit(&h->tasks, atomic_load_explicit(&tasks_are_told, memory_order_relaxed),
                        memory_order_relaxed);
  atomic_store_explicit(&h->python, python, memory_order_relaxed);
  atomic_store_explicit(&h->presence, atomic_load_explicit(&presence_now, memory_order_relaxed),
                        memory_order_relaxed);
  if (python != PROFILE_PYTHON_ABSENT && !h->python_version[0])
    python_frames_version(h->python_version);
  atomic_store_explicit(&h->failed_walks, python_frames_failed_walks(), memory_order_relaxed);
}

/* Adds to what is written under the lock alone, and read without. */
static void add(_Atomic int64_t *to, int64_t number) {
  atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + number, memory_order_relaxed);
}

/* Counts a sample of so many bytes for its stack, whose number it returns. */
static uint32_t count_sample(profile_header *h, stacks_walk *walk, int64_t bytes, const char *pool,
                             int64_t now, bool *is_new) {
  uint32_t origin = stream_own.origin;
  if (walk->kind == PROFILE_NO_PYTHON && origin) {
    stacks_append_python(origin, walk);
    walk->kind = PROFILE_TASK;
  }
  keep_to_budget(h, now);
  note_state(h);
  atomic_store_explicit(&h->seen_time, now, memory_order_relaxed);
  uint32_t number = stacks_number(walk, stacks_pool(pool), is_new);
  profile_stack *s = store_record(PROFILE_STACKS, number);
  double weight = records_weight((float)((double)bytes / (double)stream_mean));
  add(&s->total_bytes, (int64_t)((double)bytes * weight));
  add(&s->total_count, (int64_t)(1024 * weight));
  add(&s->samples, 1);
  add(&h->samples, 1);
  if (!number)
    add(&h->lost_stacks, 1);
  return number;
}

/* Brings a withdrawn record up to date, and has it be the buffer's. */
static void update_record(profile_header *h, uint32_t record, const void *buffer, int64_t size,
                          int64_t passed) {
  profile_record *r = store_record(PROFILE_RECORDS, record);
  r->exposure += (float)((double)passed / (double)stream_mean);
  records_enter(record, buffer, size);
  if (records_live() > (double)h->peak_bytes * PEAK_STEP)
    records_keep_peak(clock_since_epoch());
}

/* Takes a record for a buffer that has none, and says whose it is. Returns its number; 0: there is no room.
 */
static uint32_t sign_record(profile_header *h, uint32_t record, uint32_t stack, int64_t now) {
  bool is_new = !record;
  if (is_new && !(record = records_take())) {
    add(&h->lost_records, 1);
    raise_mean(now);
    return 0;
  }
  profile_record *r = store_record(PROFILE_RECORDS, record);
  if (is_new)
    r->since = (uint32_t)((now - h->start_time) / 100);
  r->stack = stack;
  r->thread = stacks_thread();
  return record;
}

/* Takes a sample: of a buffer that has a record, or gets one. */
static __attribute__((noinline)) void take(unwind_frame from, uint32_t record, const void *buffer,
                                           int64_t size, int64_t exposed, int64_t sampled, const char *pool) {
  raw_walk walk;
  bool is_new = false;
  walk_from(from, &walk);
  profile_header *h = lock_and_number(&walk);
  if (h) {
    int64_t now = clock_since_epoch();
    uint32_t stack = count_sample(h, &walk.stack, sampled, pool, now, &is_new);
    record = sign_record(h, record, stack, now);
    if (record)
      update_record(h, record, buffer, size, exposed);
  }
  locks_release(LOCK_PROFILE);
  if (is_new)
    stacks_note_modules(&walk.stack);
}

void profile_enter(unwind_frame from, const void *buffer, int64_t size, int64_t passed, const char *pool) {
  slow_work work = begin();
  if (may_sample())
    take(from, 0, buffer, size, passed, passed, pool);
  end(work);
}

/* The handler of a signal that frees while its thread has the lock leaves a record behind that stands for
 * nothing. It is the same with what it allocates and with a fork: `busy` tells. */
static bool may_look(void) { return store_header() && !stream_own.busy && store_is_own(); }

uint32_t profile_withdraw(const void *buffer) {
  if (!may_look())
    return 0;
  stream_own.busy = true;
  locks_acquire(LOCK_PROFILE);
  uint32_t record = records_withdraw(buffer);
  locks_release(LOCK_PROFILE);
  stream_own.busy = false;
  return record;
}

/* Between a withdrawal and what comes of it a signal's handler may fork: in the child there is no file then.
 */
static bool is_gone(void) { return !store_header(); }

void profile_forget(const void *buffer) {
  if (!may_look())
    return;
  stream_own.busy = true;
  locks_acquire(LOCK_PROFILE);
  uint32_t record = records_withdraw(buffer);
  if (record)
    records_release(record);
  locks_release(LOCK_PROFILE);
  stream_own.busy = false;
}

void profile_give_up(uint32_t record) {
  stream_own.busy = true;
  if (!is_gone()) {
    locks_acquire(LOCK_PROFILE);
    records_release(record);
    locks_release(LOCK_PROFILE);
  }
  stream_own.busy = false;
}

void profile_reenter(unwind_frame from, uint32_t record, const void *buffer, int64_t size, int64_t added,
                     bool hit, const char *pool) {
  slow_work work = begin();
  if (is_gone())
    record = 0;
  if (hit && may_sample()) {
    take(from, record, buffer, size, record ? added : size, added, pool);
  } else if (record) {
    locks_acquire(LOCK_PROFILE);
    update_record(store_header(), record, buffer, size, added);
    locks_release(LOCK_PROFILE);
  }
  end(work);
}

/* ---- tasks ---- */

uint32_t profile_origin_here(void) {
  raw_walk walk;
  uint32_t origin = 0;
  bool is_new;
  slow_work work = begin();
  walk.stack.native_count = 0;
  if (profile_on() && may_sample())
    walk_python(&walk);
  else
    walk.stack.python_count = 0;
  if (walk.stack.python_count) {
    if (lock_and_number(&walk))
      origin = stacks_number(&walk.stack, 0, &is_new);
    locks_release(LOCK_PROFILE);
  }
  end(work);
  return origin ? origin : stream_own.origin;
}

uint32_t *profile_current_origin(void) { return &stream_own.origin; }

void profile_tasks_are_told(void) { atomic_store(&tasks_are_told, true); }

void profile_count_task(bool told) {
  profile_header *h = store_header();
  if (!h)
    return;
  atomic_fetch_add_explicit(&h->tasks_given, 1, memory_order_relaxed);
  if (told)
    atomic_fetch_add_explicit(&h->tasks_told, 1, memory_order_relaxed);
}

void profile_fork_child(void) {
  stream_own.origin = 0;
  store_fork_child(stream_own.busy);
  records_fork_child();
}
