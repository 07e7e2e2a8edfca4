/* Installs the handler of SIGBUS. A handler that the program had before is called by ours, which is set up in
 * the same way: the kernel gives both the same mask and the same stack, and restarts the same calls. */
#include "base/file_fault.h"

#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static file_fault_repair *_Atomic repairs[FILE_FAULT_MOST]; /* from the first on; NULL: none */
static struct sigaction before;
static atomic_flag was_called; /* with SA_RESETHAND the first call is the last */

static bool has_handler(void) { return before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN; }

static void pass_on(int number, siginfo_t *info, void *context) {
  bool is_over = before.sa_flags & SA_RESETHAND && atomic_flag_test_and_set(&was_called);
  if (before.sa_handler == SIG_IGN && !signals_is_fault(number, info)) /* a fault ends who ignores it */
    return;
  if (!has_handler() || is_over)
    signals_end(number, info);
  else if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(number, info, context);
  else
    before.sa_handler(number);
}

static bool repair(const void *address) {
  for (int i = 0; i < FILE_FAULT_MOST && repairs[i]; i++)
    if (repairs[i](address))
      return true;
  return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
  int saved = errno;
  bool repaired = signals_is_fault(number, info) && repair(info->si_addr);
  errno = saved;
  if (!repaired)
    pass_on(number, info, context);
}

static void install(void) {
  struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_ONSTACK | SA_RESTART};
  if (sigaction(SIGBUS, NULL, &before))
    return;
  if (has_handler()) {
    action.sa_flags = before.sa_flags & (SA_ONSTACK | SA_RESTART | SA_NODEFER);
    action.sa_mask = before.sa_mask;
  } else {
    sigemptyset(&action.sa_mask);
  }
  action.sa_flags |= SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
}

void file_fault_watch(file_fault_repair *repair_) {
  static atomic_flag installed = ATOMIC_FLAG_INIT;
  for (int i = 0; i < FILE_FAULT_MOST; i++) {
    file_fault_repair *there = NULL;
    if (atomic_compare_exchange_strong(&repairs[i], &there, repair_) || there == repair_)
      break;
  }
  if (!atomic_flag_test_and_set(&installed))
    install();
}
