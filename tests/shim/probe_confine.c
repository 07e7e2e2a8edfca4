/* Run a program that may not make certain system calls: probe_confine EPERM|ENOSYS CALL[,CALL]... PROGRAM...
 * A filter of the kernel's (seccomp) gives that error to each of them. `writable` stands for an mprotect that
 * asks for reading and writing, since the loader needs the others. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int forbid(scmp_filter_ctx filter, uint32_t answer, const char *call) {
  if (strcmp(call, "writable") == 0)
    return seccomp_rule_add(filter, answer, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_EQ, PROT_READ | PROT_WRITE, 0));
  int number = seccomp_syscall_resolve_name(call);
  return number < 0 ? -EINVAL : seccomp_rule_add(filter, answer, number, 0);
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 125;
  uint32_t answer = SCMP_ACT_ERRNO(strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS);
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int error = filter ? 0 : -ENOMEM;
  for (char *call = strtok(argv[2], ","); call && !error; call = strtok(NULL, ","))
    error = forbid(filter, answer, call);
  if (!error)
    error = seccomp_load(filter);
  if (error) {
    fprintf(stderr, "probe_confine: %s\n", strerror(-error));
    return 125;
  }
  execvp(argv[3], argv + 3);
  return 127;
}
