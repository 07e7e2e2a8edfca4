/* Keeps the locks as plain pthread mutexes: uncontended they cost an atomic exchange, and the thread that
 * forks may release in the child what it locked in the parent. With LOCKS_CHECKED, as the unit tests with
 * sanitizers are built, a thread that takes them in another order than that of their numbers ends the
 * program. */
#include "base/locks.h"

#include <pthread.h>

static pthread_mutex_t locks[LOCK_COUNT] = {[0 ... LOCK_COUNT - 1] = PTHREAD_MUTEX_INITIALIZER};

#ifdef LOCKS_CHECKED

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The locks of this thread, in the order of their numbers, which is the one in which they are to be taken. */
static __thread struct { int numbers[LOCK_COUNT], count; } held;

static void locks_end(const char *what, int lock) {
  dprintf(2, "locks: %d %s while %d is held\n", lock, what, held.count ? held.numbers[held.count - 1] : -1);
  abort();
}

static void check_acquired(int lock) {
  if (held.count && held.numbers[held.count - 1] >= lock)
    locks_end("is taken", lock);
  held.numbers[held.count++] = lock;
}

static void check_released(int lock) {
  int i = held.count - 1;
  while (i >= 0 && held.numbers[i] != lock)
    i--;
  if (i < 0)
    locks_end("is released, and not held,", lock);
  memmove(&held.numbers[i], &held.numbers[i + 1], (size_t)(--held.count - i) * sizeof held.numbers[0]);
}

#else
static inline void check_acquired(int lock) { (void)lock; }
static inline void check_released(int lock) { (void)lock; }
#endif

void locks_acquire(int lock) {
  check_acquired(lock);
  pthread_mutex_lock(&locks[lock]);
}

void locks_release(int lock) {
  check_released(lock);
  pthread_mutex_unlock(&locks[lock]);
}

void locks_reset(int lock) { pthread_mutex_init(&locks[lock], NULL); }

void locks_acquire_all(void) {
  for (int lock = LOCK_START + 1; lock < LOCK_COUNT; lock++)
    locks_acquire(lock);
}

void locks_release_all(void) {
  for (int lock = LOCK_COUNT - 1; lock > LOCK_START; lock--)
    locks_release(lock);
}
