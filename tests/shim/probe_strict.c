/* A process that allows itself by a filter of the kernel's (seccomp) only what malloc, free and the end of a
 * process need; any other system call kills it. `before` as argument: it has used and freed buffers by then.
 */
#include "probe.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ALLOW(call)                                                                                          \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int confine(int with_syscall) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mprotect),
      ALLOW(mremap),
      ALLOW(madvise),
      ALLOW(brk),
      ALLOW(futex),
      ALLOW(write),
      ALLOW(getrandom),
      ALLOW(exit),
      ALLOW(exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    return 0;
  return with_syscall ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0
                      : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Longer than the decay time of the tests. The clock is read without a system call. */
static void linger(void) {
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do
    clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 100);
}

/* From blocks that share a page to some that move from one size of slots to the next; freed, so that there is
 * memory to give back. */
static void use_buffers(void) {
  for (int round = 0; round < 3; round++) {
    char *bytes[12];
    for (size_t i = 0; i < 12; i++) {
      size_t size = (size_t)10 << 2 * (i < 10 ? i : 10);
      CHECK(posix_memalign((void **)&bytes[i], 64, size) == 0, "%zu", size);
      memset(bytes[i], (int)i, size);
      bytes[i] = realloc(hide(bytes[i]), 3 * size);
      CHECK(bytes[i] && bytes[i][size - 1] == (char)i, "%zu", size);
    }
    for (size_t i = 0; i < 12; i++)
      free(bytes[i]);
    linger();
  }
}

int main(int argc, char **argv) {
  int before = 0, with_syscall = 0;
  for (int i = 1; i < argc; i++) {
    before |= strcmp(argv[i], "before") == 0;
    with_syscall |= strcmp(argv[i], "syscall") == 0;
  }
  if (before)
    use_buffers();
  if (!confine(with_syscall))
    return 77;
  use_buffers();
  return probe_failures != 0;
}
