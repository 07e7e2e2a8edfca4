/* See keeper.h. Its lock is not of the gate: the thread is joined before a fork takes that. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_WAIT 1000 /* ms; how long the end of the main thread may go unnoticed */
#define STACK_SIZE   ((size_t)128 << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stop; /* signalled when `pausing` rises */
static pthread_t thread;
static _Atomic bool awake;            /* a thread runs that will look again */
static bool joinable, left, prepared; /* protected by lock; left: it will not look again */
static int pausing;                   /* forks under way: the thread has to leave, and none may start */
static bool missed;                   /* a wake that came then; protected by lock */

/* Whether nobody is left but the main thread, which has ended, and us. */
static bool is_alone(void) {
  char text[512];
  int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  if (length <= 0)
    return false;
  text[length] = 0;
  const char *at = strrchr(text, ')'); /* state is the field after the name, num_threads the 18th after it */
  if (!at || strncmp(at, ") Z", 3) != 0)
    return false;
  for (int field = 0; at && field < 18; field++)
    at = strchr(at + 1, ' ');
  return at && strncmp(at, " 2 ", 3) == 0;
}

static void wait_for(int64_t milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += milliseconds / 1000;
  until.tv_nsec += milliseconds % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (!pausing && pthread_cond_timedwait(&stop, &lock, &until) == 0) {
  }
}

/* Before it leaves, the thread says so (awake is false) and looks once more: whoever wanted to wake it up to
 * then thought that it would. Whether it has left is decided under the lock. */
static void *run(void *argument) {
  keeper_work work = *(keeper_work *)argument;
  bool last_look = false;
  pthread_mutex_lock(&lock);
  while (!pausing) {
    pthread_mutex_unlock(&lock);
    int64_t wait = work();
    bool alone = is_alone();
    pthread_mutex_lock(&lock);
    if (alone || (wait == KEEPER_DONE && last_look && !atomic_load(&awake)))
      break;
    last_look = wait == KEEPER_DONE;
    atomic_store(&awake, !last_look);
    if (!last_look)
      wait_for(wait < LONGEST_WAIT ? wait : LONGEST_WAIT);
  }
  left = true;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static bool start(keeper_work work) {
  static keeper_work todo;
  pthread_attr_t attributes;
  sigset_t all, before;
  todo = work;
  if (!prepared) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stop, &monotonic);
    prepared = true;
  }
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&thread, &attributes, run, &todo) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (started)
    pthread_setname_np(thread, "arrowpool");
  return started;
}

void keeper_wake(keeper_work work) {
  if (atomic_load_explicit(&awake, memory_order_relaxed) || atomic_exchange(&awake, true))
    return;
  int saved = errno;
  pthread_mutex_lock(&lock);
  missed |= pausing != 0;
  if (!pausing && (!joinable || left)) {
    if (joinable)
      pthread_join(thread, NULL);
    left = false;
    joinable = start(work);
    atomic_store(&awake, joinable);
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
}

bool keeper_pause(void) {
  pthread_mutex_lock(&lock);
  pausing++;
  if (prepared)
    pthread_cond_signal(&stop);
  bool join = joinable;
  joinable = false;
  pthread_mutex_unlock(&lock);
  if (join)
    pthread_join(thread, NULL);
  pthread_mutex_lock(&lock);
  bool work_left = join || missed;
  missed = false;
  return work_left;
}

void keeper_resume(bool in_child) {
  pausing = in_child ? 0 : pausing - 1; /* others may fork at the same time, but not here */
  atomic_store(&awake, false);
  pthread_mutex_unlock(&lock);
}
