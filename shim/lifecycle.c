/* The shim's life inside its host: the constructor, every ordinary way out, and fork.
 *
 * Nothing is torn down at exit: destructors, atexit handlers and threads that come after us go on
 * allocating and freeing. _exit may be called from a signal handler or between vfork and exec, so what runs
 * there takes no lock and looks first whether this is still our process. */
#include "arrow_patch.h"
#include "dump.h"
#include "live.h"
#include "next.h"
#include "router.h"
#include "schedule.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void at_quick_exit_handler(void) {
  dump_at_exit(REPORT_SAFE);
  live_finish(true);
}

/* Of an assertion that fails, glibc aborts without asking for abort by name. */
static void (*next_assert_fail)(const char *assertion, const char *file, unsigned line, const char *function);
static void (*next_assert_perror_fail)(int error, const char *file, unsigned line, const char *function);

/* After the library's own constructors (101), so that its fork handlers run outside ours. */
__attribute__((constructor(102))) static void start(void) {
  router_wake();
  dump_prepare();
  *(void **)&next_assert_fail = next_symbol("__assert_fail");
  *(void **)&next_assert_perror_fail = next_symbol("__assert_perror_fail");
  pthread_atfork(arrow_patch_prefork, arrow_patch_postfork, arrow_patch_postfork);
  pthread_atfork(NULL, NULL, dump_fork_child);
  pthread_atfork(schedule_prefork, schedule_postfork_parent, schedule_postfork_child);
  schedule_start();
  (void)at_quick_exit(at_quick_exit_handler); /* without memory for it there is no dump on that way */
}

__attribute__((destructor(101))) static void finish(void) {
  dump_at_exit(REPORT_ASK_JEMALLOC);
  live_finish(true);
}

EXPORT __attribute__((noreturn)) void _exit(int status) {
  dump_at_exit(REPORT_SAFE);
  live_finish(false);
  if (next._exit)
    next._exit(status);
  for (;;)
    syscall(SYS_exit_group, status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status) { _exit(status); }

/* The dump first; then the program's own abort, with its signal and its core. */
EXPORT __attribute__((noreturn)) void abort(void) {
  dump_at_exit(REPORT_SAFE);
  if (next.abort)
    next.abort();
  for (;;) {
    raise(SIGABRT);
    syscall(SYS_exit_group, 128 + SIGABRT);
  }
}

EXPORT __attribute__((noreturn)) void __assert_fail(const char *assertion, const char *file, unsigned line,
                                                    const char *function) {
  dump_at_exit(REPORT_SAFE);
  if (next_assert_fail)
    next_assert_fail(assertion, file, line, function);
  abort();
}

EXPORT __attribute__((noreturn)) void __assert_perror_fail(int error, const char *file, unsigned line,
                                                           const char *function) {
  dump_at_exit(REPORT_SAFE);
  if (next_assert_perror_fail)
    next_assert_perror_fail(error, file, line, function);
  abort();
}
