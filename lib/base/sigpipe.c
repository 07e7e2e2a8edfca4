/* Blocks, swallows and restores the signals of sigpipe.h. It uses the kernel's own calls: sets of signals are
 * eight bytes there, and a dump may have the smallest of stacks. */
#include "base/sigpipe.h"

#include "base/nocancel.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BIT(number) (UINT64_C(1) << ((number)-1))
#define NOISY       (BIT(SIGPIPE) | BIT(SIGXFSZ))

void sigpipe_begin(sigpipe_state *c) {
  c->cancel_state = nocancel_begin();
  const uint64_t noisy = NOISY;
  c->mask = c->pending = 0;
  syscall(SYS_rt_sigpending, &c->pending, sizeof c->pending);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &noisy, &c->mask, sizeof noisy);
}

void sigpipe_end(const sigpipe_state *c) {
  int saved = errno;
  const uint64_t ours = NOISY & ~c->pending; /* a signal that was pending before us is not ours to take */
  while (ours && (syscall(SYS_rt_sigtimedwait, &ours, NULL, &(struct timespec){0, 0}, sizeof ours) > 0 ||
                  errno == EINTR)) {
  }
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &c->mask, NULL, sizeof c->mask);
  nocancel_end(c->cancel_state);
  errno = saved;
}
