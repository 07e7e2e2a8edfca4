/* Keeps the locks as plain pthread mutexes: uncontended they cost an atomic exchange, and the thread that
 * forks may release in the child what it locked in the parent. */
#include "base/locks.h"

#include <pthread.h>

static pthread_mutex_t locks[LOCK_COUNT] = {[0 ... LOCK_COUNT - 1] = PTHREAD_MUTEX_INITIALIZER};

void locks_acquire(int lock) { pthread_mutex_lock(&locks[lock]); }

void locks_release(int lock) { pthread_mutex_unlock(&locks[lock]); }

void locks_reset(int lock) { pthread_mutex_init(&locks[lock], NULL); }

void locks_acquire_all(void) {
  for (int lock = LOCK_START + 1; lock < LOCK_COUNT; lock++)
    locks_acquire(lock);
}

void locks_release_all(void) {
  for (int lock = LOCK_COUNT - 1; lock > LOCK_START; lock--)
    locks_release(lock);
}
