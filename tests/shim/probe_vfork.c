/* A child of vfork shares our memory: it ends by _exit, or after an exec that fails, and nothing of it may
 * show in the parent. The parent holds 1000 bytes, then allocates 2000 more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static char *const no_arguments[] = {(char *)"none", NULL};
  int by_exec = argc > 1 && strcmp(argv[1], "exec") == 0, status;
  void *first, *second;
  if (posix_memalign(&first, 64, 1000))
    return 1;
  pid_t child = vfork();
  if (child == 0) {
    if (by_exec)
      execv("/nonexistent/program", no_arguments);
    _exit(9);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 9)
    return 1;
  if (posix_memalign(&second, 64, 2000))
    return 1;
  memset(first, 1, 1000);
  memset(second, 1, 2000);
  return 0;
}
