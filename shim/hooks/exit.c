/* The shim's life inside its host: the constructor, every ordinary way out, and fork.
 *
 * Nothing is torn down at exit: destructors, atexit handlers and threads that come after us go on allocating
 * and freeing. _exit may be called from a signal handler or between vfork and exec, so what runs there takes
 * no lock and looks first whether this is still our process. */
#include "fork.h"
#include "shim/dump/dump.h"
#include "shim/hooks/library.h"
#include "shim/install/life.h"
#include "shim/library_pools.h"
#include "shim/next.h"
#include "shim/router.h"
#include "shim/tasks.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- fork ---- */

/* pthread_atfork registers handlers by this, in libraries whose constructors come before ours too. Handlers
 * may allocate: ours go first, so that they run inside of all others, last before the fork and first after
 * it. ThreadSanitizer registers its own before code that it watches can run. */
#ifndef __SANITIZE_THREAD__
/* The name is glibc's: NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *library);
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                             void *library) {
  fork_register();
  tasks_found(library); /* a libarrow's first thread pool comes by here */
  int (*next_one)(void (*)(void), void (*)(void), void (*)(void), void *) =
      (int (*)(void (*)(void), void (*)(void), void (*)(void), void *))next_symbol("__register_atfork");
  return next_one ? next_one(prepare, parent, child, library) : ENOMEM;
}
#endif

/* ---- start and end ---- */

/* These are kept because glibc aborts on an assertion that fails without asking for abort by name. */
static void (*next_assert_fail)(const char *assertion, const char *file, unsigned line, const char *function);
static void (*next_assert_perror_fail)(int error, const char *file, unsigned line, const char *function);

__attribute__((constructor(102))) static void start(void) {
  router_wake();
  *(void **)&next_assert_fail = next_symbol("__assert_fail");
  *(void **)&next_assert_perror_fail = next_symbol("__assert_perror_fail");
  life_begin();
  hook_library_redirect();
}

__attribute__((destructor(101))) static void tell_unused(void) { library_pools_tell_unused(); }

EXPORT __attribute__((noreturn)) void _exit(int status) {
  life_leave();
  if (next._exit)
    next._exit(status);
  for (;;)
    syscall(SYS_exit_group, status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status) { _exit(status); }

/* Writes the dump first; then the program's own abort follows, with its signal and its core. */
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
