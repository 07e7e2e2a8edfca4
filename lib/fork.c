/* Registers our fork handlers before jemalloc is first called; they stay for the life of the process.
 * jemalloc is quiesced first, then our locks are taken (base/locks.h); the child finds everything free, and
 * counts anew.
 *
 * Where there never was a second thread, nothing is locked: a lock that is held is held by ourselves, by what
 * the signal handler interrupted that forks here, and both sides go on with that. From our first handler to
 * our last one signals wait, so that no handler forks within; those that a fault raises do not. */
#include "fork.h"

#include "base/locks.h"
#include "base/nocancel.h"
#include "base/process_file.h"
#include "counters/counters.h"
#include "memory/backend.h"
#include "pool/pool.h"
#include "profile/profile.h"
#include "report/live.h"
#include "report/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* It holds what the forking thread needs from prepare to parent or child; that thread has the locks. */
static struct {
  sigset_t signals;
  int cancel_state;
  bool alone;
} held;

static const fork_guest *guest;
static pid_t process;

bool fork_is_own_process(void) { return process == syscall(SYS_getpid); }

void fork_hold_signals(sigset_t *before) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigdelset(&set, faults[i]);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct sigaction theirs;
    if (sigaction(ends[i], NULL, &theirs) == 0 && !(theirs.sa_flags & SA_SIGINFO) &&
        theirs.sa_handler == SIG_DFL)
      sigdelset(&set, ends[i]);
  }
  pthread_sigmask(SIG_BLOCK, &set, before);
}

/* glibc has it from 2.32 on, with a header of its own. On an older one the address is NULL.
 * NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern char __libc_single_threaded __attribute__((weak));

/* Returns whether there is no other thread. An older glibc does not tell, the kernel does: the folder of a
 * process's threads has a link from each, and two of its own. */
static bool is_alone(void) {
  struct stat threads;
  if (&__libc_single_threaded)
    return __libc_single_threaded;
  return !process_file_is_confined() && stat("/proc/self/task", &threads) == 0 && threads.st_nlink == 3;
}

static void fork_prepare(void) {
  sigset_t signals;
  fork_hold_signals(&signals);
  int cancel_state = nocancel_begin();
  bool alone = is_alone();
  if (!alone) {
    if (guest)
      guest->prepare();
    backend_jemalloc_prefork();
    locks_acquire_all();
  }
  live_prefork();
  counters_prefork();
  held.signals = signals;
  held.cancel_state = cancel_state;
  held.alone = alone;
}

/* Takes values, not `held`: another thread may fork as soon as the locks are free. */
static void let_go(sigset_t signals, int cancel_state) {
  nocancel_end(cancel_state);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

static void parent(void) {
  sigset_t signals = held.signals;
  int cancel_state = held.cancel_state;
  counters_postfork_parent();
  if (!held.alone) {
    locks_release_all();
    backend_jemalloc_postfork_parent();
    if (guest)
      guest->parent();
  }
  let_go(signals, cancel_state);
}

static void child(void) {
  process = (pid_t)syscall(SYS_getpid);
  snapshot_mark_start();
  live_postfork_child();
  if (!held.alone) {
    locks_release_all();
    backend_jemalloc_postfork_child();
  }
  counters_fork_child();
  profile_fork_child();
  pool_fork_child();
  if (guest)
    guest->child(held.alone);
  let_go(held.signals, held.cancel_state);
}

/* The library's own constructors come first of all that is ours (101). */
__attribute__((constructor(101))) void fork_register(void) {
  static atomic_flag done = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&done))
    return;
  process = (pid_t)syscall(SYS_getpid);
  pthread_atfork(fork_prepare, parent, child);
}

void fork_invite(const fork_guest *guest_) { guest = guest_; }
