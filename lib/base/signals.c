/* See signals.h. */
#include "base/signals.h"

#include <sys/syscall.h>
#include <unistd.h>

bool signals_is_fault(int number, const siginfo_t *info) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (faults[i] == number)
      return info->si_code > 0; /* the kernel's own; senders have none of these codes */
  return false;
}

/* It is blocked while its handler runs, and waits until that has returned. */
void signals_end(int number, siginfo_t *info) {
  long process = syscall(SYS_getpid), thread = syscall(SYS_gettid);
  sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  if (syscall(SYS_rt_tgsigqueueinfo, process, thread, number, info))
    syscall(SYS_tgkill, process, thread, number);
}
