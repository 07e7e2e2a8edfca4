/* Asks the kernel by rt_sigprocmask: it reads the set of signals that it is given, and then refuses to do
 * what there is no such thing as. Nothing changes, and the error tells whether it could read. */
#include "base/readable.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SET_BYTES  8                 /* the kernel's set of signals */
#define NO_SUCH    -1                /* none of SIG_BLOCK and its like */
#define STEP_BYTES ((uintptr_t)4096) /* no page is smaller */

/* Returns the error of the kernel, which is asked about the set at that address. */
static int error_of(uintptr_t set) {
  int saved = errno, error;
  error = syscall(SYS_rt_sigprocmask, NO_SUCH, set, NULL, SET_BYTES) == 0 ? 0 : errno;
  errno = saved;
  return error;
}

static bool set_is_readable(uintptr_t set) { return error_of(set) == EINVAL; }

bool readable_can_tell(void) {
  static const uint64_t set;
  return set_is_readable((uintptr_t)&set) && error_of(SET_BYTES) == EFAULT;
}

bool readable(const void *from, size_t size) {
  uintptr_t at = (uintptr_t)from & ~(uintptr_t)(SET_BYTES - 1), last;
  if (__builtin_add_overflow((uintptr_t)from, size - 1, &last) || at == 0)
    return false;
  for (last &= ~(uintptr_t)(SET_BYTES - 1); at < last; at = (at & ~(STEP_BYTES - 1)) + STEP_BYTES)
    if (!set_is_readable(at))
      return false;
  return set_is_readable(last);
}
