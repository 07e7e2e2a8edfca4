/* Tells faults from sent signals, and ends the process by a signal. */
#include "base/signals.h"

#include <sys/syscall.h>
#include <unistd.h>

bool signals_is_fault(int number, const siginfo_t *info) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (faults[i] == number)
      return info->si_code > 0; /* the kernel's own codes are positive, and senders cannot use them */
  return false;
}

/* The signal is blocked while its handler runs, so the one that is sent here waits until the handler has
 * returned. */
void signals_end(int number, siginfo_t *info) {
  long process = syscall(SYS_getpid), thread = syscall(SYS_gettid);
  sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  if (syscall(SYS_rt_tgsigqueueinfo, process, thread, number, info))
    syscall(SYS_tgkill, process, thread, number);
}
