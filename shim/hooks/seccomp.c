/* Prepares for a program that confines itself (seccomp): afterwards a system call that it does not need for
 * malloc may kill it. So all that we would ask of the kernel later is asked before: the backend starts, and
 * our threads end for good. What is due then goes back to the kernel at the program's frees.
 *
 * A filter comes by prctl or by syscall. The latter asks the kernel itself, as the C library's does:
 * allocators that stand before us wait for their locks by it, and must not get into the loader. */
#include "base/nocancel.h"
#include "base/process_file.h"
#include "fork.h"
#include "memory/backend.h"
#include "memory/decay.h"
#include "shim/dump/schedule.h"
#include "shim/router.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static bool confined; /* by a filter, of which there may be several */

/* Begins the confinement. The child of a vfork, which becomes another program, is not asked to change what is
 * its parent's. */
static bool hook_seccomp_begin(void) {
  sigset_t signals;
  if (confined || !router_awake() || !fork_is_own_process())
    return false;
  router_inform(PIECES("the program confines itself (seccomp): arrowpool starts no threads from here on"));
  if (router_told_backend(false) == &backend_jemalloc)
    backend_jemalloc_start();
  fork_hold_signals(&signals);
  int cancel_state = nocancel_begin();
  schedule_retire();
  decay_retire();
  process_file_confine(true);
  nocancel_end(cancel_state);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
  return true;
}

/* Ends the preparation. Nothing is asked of the kernel here, unless it refused the filter. */
static void hook_seccomp_end(bool done) {
  int saved = errno;
  confined = done;
  if (!done) {
    process_file_confine(false);
    decay_return();
    schedule_return();
  }
  errno = saved;
}

#if defined(__x86_64__)
static long ask_kernel(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long ask_kernel(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                   x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#elif defined(__riscv)
static long ask_kernel(long number, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = number, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c,
                   a3 __asm__("a3") = d, a4 __asm__("a4") = e, a5 __asm__("a5") = f;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
}
#else
#error "how does this processor ask its kernel?"
#endif

static long hook_seccomp_answer(long result) {
  if ((unsigned long)result <= -4096UL)
    return result;
  errno = (int)-result;
  return -1;
}

/* Whoever passes fewer arguments leaves the others to chance, and the kernel does not look at those. */
EXPORT long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(arguments, long);
  va_end(arguments);
  bool filter =
      __builtin_expect(number == SYS_seccomp, 0) && a[0] == SECCOMP_SET_MODE_FILTER && hook_seccomp_begin();
  long result = hook_seccomp_answer(ask_kernel(number, a[0], a[1], a[2], a[3], a[4], a[5]));
  if (__builtin_expect(filter, 0))
    hook_seccomp_end(result >= 0);
  return result;
}

EXPORT int prctl(int option, ...) {
  long a[4];
  va_list arguments;
  va_start(arguments, option);
  for (int i = 0; i < 4; i++)
    a[i] = va_arg(arguments, long);
  va_end(arguments);
  bool filter = option == PR_SET_SECCOMP && a[0] == SECCOMP_MODE_FILTER && hook_seccomp_begin();
  int result = (int)hook_seccomp_answer(ask_kernel(SYS_prctl, option, a[0], a[1], a[2], a[3], 0));
  if (filter)
    hook_seccomp_end(result >= 0);
  return result;
}
