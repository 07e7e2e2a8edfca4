/* See gate.h. Plain pthread mutexes: uncontended they cost an atomic exchange, and the thread that forks may
 * release in the child what it locked in the parent. */
#include "base/locks.h"

#include <pthread.h>

static pthread_mutex_t locks[GATE_COUNT] = {[0 ... GATE_COUNT - 1] = PTHREAD_MUTEX_INITIALIZER};

void gate_lock(int lock) { pthread_mutex_lock(&locks[lock]); }

void gate_unlock(int lock) { pthread_mutex_unlock(&locks[lock]); }

void gate_reset(int lock) { pthread_mutex_init(&locks[lock], NULL); }

void gate_close(void) {
  for (int lock = GATE_START + 1; lock < GATE_COUNT; lock++)
    gate_lock(lock);
}

void gate_open(void) {
  for (int lock = GATE_COUNT - 1; lock > GATE_START; lock--)
    gate_unlock(lock);
}
