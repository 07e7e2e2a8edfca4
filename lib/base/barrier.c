/* Has the kernel interrupt the processors that run threads of the process (membarrier). */
#include "base/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

void barrier_of_all_threads(void) {
  int saved = errno;
  atomic_thread_fence(memory_order_seq_cst);
  /* A process says once that it will ask; to say it again does no harm. */
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0)
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  errno = saved;
}
