/* Has unshare and setns answered as they would be without us. For some namespaces the kernel grants them only
 * to a process with one thread: ours end before the call and start again after it.
 *
 * A child that clone or vfork made has none of our threads, and its parent's are left alone. */
#include "base/nocancel.h"
#include "fork.h"
#include "memory/decay.h"
#include "shim/dump/schedule.h"
#include "shim/next.h"

#include <errno.h>
#include <sched.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct pause_ {
  bool paused, work_left;
  sigset_t signals;
  int cancel_state;
} pause_;

static void hook_namespaces_begin(pause_ *p) {
  p->paused = decay_is_here() || schedule_is_here();
  if (!p->paused)
    return;
  fork_hold_signals(&p->signals);
  p->cancel_state = nocancel_begin();
  schedule_prefork();
  p->work_left = decay_pause();
}

static void hook_namespaces_end(pause_ *p) {
  int saved = errno;
  if (!p->paused)
    return;
  decay_resume(false);
  if (p->work_left)
    decay_wake();
  schedule_postfork_parent();
  nocancel_end(p->cancel_state);
  pthread_sigmask(SIG_SETMASK, &p->signals, NULL);
  errno = saved;
}

EXPORT int unshare(int flags) {
  pause_ p;
  int (*real)(int) = (int (*)(int))next_symbol("unshare");
  hook_namespaces_begin(&p);
  int result = real(flags);
  hook_namespaces_end(&p);
  return result;
}

EXPORT int setns(int fd, int type) {
  pause_ p;
  int (*real)(int, int) = (int (*)(int, int))next_symbol("setns");
  hook_namespaces_begin(&p);
  int result = real(fd, type);
  hook_namespaces_end(&p);
  return result;
}
