/* Starts, pauses and retires the thread of background_thread.h. The thread's lock is not one of locks.h: the
 * thread is joined before a fork takes those. */
#include "base/background_thread.h"

#include "base/nocancel.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)128 << 10)

/* Returns whether nobody is left but this thread and the main thread, which has ended. */
static bool is_alone(void) {
  proc_stat own;
  return proc_read_stat("/proc/self/stat", &own) && own.state == 'Z' && own.threads == 2;
}

/* Waits until somebody calls, who has not done so when there were `calls`, or the time is over. It uses the
 * kernel's own clock: tools that bend or freeze the C library's clocks do the same to its waits. */
static void wait_for(background_thread *k, int calls, int64_t milliseconds) {
  const struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  pthread_mutex_unlock(&k->lock);
  syscall(SYS_futex, &k->calls, FUTEX_WAIT_PRIVATE, calls, &time, NULL, 0);
  pthread_mutex_lock(&k->lock);
}

static void call(background_thread *k) {
  atomic_fetch_add(&k->calls, 1);
  syscall(SYS_futex, &k->calls, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The thread's loop. Before the thread leaves it says so (awake is false) and looks once more, because
 * whoever wanted to wake it until then thought that it would look. It decides under the lock that it has
 * left. A wait longer than BACKGROUND_THREAD_LONGEST_WAIT is cut in pieces, so that the end of the main
 * thread does not go unnoticed. */
static void *run(void *argument) {
  background_thread *k = argument;
  bool last_look = false;
  int64_t wait = 0;
  nocancel_begin();
  k->number = (pid_t)syscall(SYS_gettid);
  pthread_mutex_lock(&k->lock);
  for (int calls = 0; !k->pausing;) {
    pthread_mutex_unlock(&k->lock);
    int now = atomic_load(&k->calls);
    if (wait <= 0 || now != calls)
      wait = k->work();
    calls = now;
    bool alone = is_alone();
    pthread_mutex_lock(&k->lock);
    if (alone || (wait == BACKGROUND_THREAD_DONE && last_look && !atomic_load(&k->awake)))
      break;
    last_look = wait == BACKGROUND_THREAD_DONE;
    atomic_store(&k->awake, !last_look);
    int64_t step = last_look                               ? 0
                   : wait < BACKGROUND_THREAD_LONGEST_WAIT ? wait
                                                           : BACKGROUND_THREAD_LONGEST_WAIT;
    wait = last_look ? 0 : wait - step;
    if (step)
      wait_for(k, calls, step);
  }
  k->left = true;
  pthread_mutex_unlock(&k->lock);
  return NULL;
}

/* Starts the thread. The caller has blocked all signals, and the thread inherits that. */
static bool start(background_thread *k) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  bool started = pthread_create(&k->thread, &attributes, run, k) == 0 ||
                 pthread_create(&k->thread, NULL, run, k) == 0; /* the stack holds thread-local data too */
  pthread_attr_destroy(&attributes);
  if (started)
    pthread_setname_np(k->thread, "arrowpool");
  return started;
}

void background_thread_wake(background_thread *k) {
  if (atomic_load_explicit(&k->awake, memory_order_relaxed) || atomic_exchange(&k->awake, true))
    return;
  int saved = errno, cancel_state = nocancel_begin();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* a handler that forks would wait for the lock */
  pthread_mutex_lock(&k->lock);
  k->missed |= k->pausing != 0;
  if (!k->pausing && (!k->owner || k->left)) {
    if (k->owner)
      pthread_join(k->thread, NULL);
    k->left = false;
    bool started = start(k);
    k->owner = started ? (pid_t)syscall(SYS_getpid) : 0;
    atomic_store(&k->awake, started);
  }
  pthread_mutex_unlock(&k->lock);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  nocancel_end(cancel_state);
  errno = saved;
}

void background_thread_hurry(background_thread *k) {
  int saved = errno;
  call(k);
  errno = saved;
}

bool background_thread_is_here(const background_thread *k) {
  pid_t owner = atomic_load(&k->owner);
  return owner && owner == syscall(SYS_getpid);
}

/* The kernel still counts a joined thread for a moment. This waits for its end, so that nobody who counts
 * threads is misled. */
static void wait_for_kernel(pid_t process, pid_t thread) {
  static const struct timespec moment = {.tv_nsec = 20000};
  for (int tries = 0; syscall(SYS_tgkill, process, thread, 0) == 0 && tries < 100000; tries++)
    nanosleep(&moment, NULL);
}

bool background_thread_pause(background_thread *k) {
  int saved = errno, cancel_state = nocancel_begin();
  pthread_mutex_lock(&k->lock);
  k->pausing++;
  call(k);
  bool join = background_thread_is_here(k);
  pid_t process = k->owner;
  k->owner = 0;
  pthread_mutex_unlock(&k->lock);
  if (join) {
    pthread_join(k->thread, NULL);
    wait_for_kernel(process, k->number);
  }
  pthread_mutex_lock(&k->lock);
  bool work_left = join || k->missed;
  k->missed = false;
  nocancel_end(cancel_state);
  errno = saved;
  return work_left;
}

void background_thread_resume(background_thread *k, bool in_child) {
  /* In the parent other threads may be forking too; the child has none of them. */
  k->pausing = in_child ? 0 : k->pausing - 1;
  atomic_store(&k->awake, k->retired);
  pthread_mutex_unlock(&k->lock);
}

void background_thread_retire(background_thread *k) {
  bool work_left = background_thread_pause(k);
  k->missed |= work_left;
  k->retired = true;
  background_thread_resume(k, false);
}

void background_thread_return(background_thread *k) {
  pthread_mutex_lock(&k->lock);
  bool again = k->missed;
  k->retired = k->missed = false;
  atomic_store(&k->awake, false);
  pthread_mutex_unlock(&k->lock);
  if (again)
    background_thread_wake(k);
}
