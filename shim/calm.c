/* See calm.h. */
#include "calm.h"

#include "nocancel.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static const int noisy[] = {SIGPIPE, SIGXFSZ};
#define COUNT (sizeof noisy / sizeof *noisy)

void calm_begin(calm *c) {
  c->cancel_state = nocancel_begin();
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < COUNT; i++)
    sigaddset(&set, noisy[i]);
  sigpending(&c->pending);
  pthread_sigmask(SIG_BLOCK, &set, &c->mask);
}

void calm_end(const calm *c) {
  int saved = errno;
  for (size_t i = 0; i < COUNT; i++) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, noisy[i]);
    if (!sigismember(&c->pending, noisy[i])) /* what was there before us is not ours to take */
      while (sigtimedwait(&one, NULL, &(struct timespec){0, 0}) < 0 && errno == EINTR) {
      }
  }
  pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
  nocancel_end(c->cancel_state);
  errno = saved;
}
