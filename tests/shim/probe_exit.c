/* Use the libc hook by known figures, then leave by the way named in the first argument with the status 5.
 * 4 allocations of 1111111 bytes in all; 1 of them freed, 1 grown from 100000 to 300000 bytes: a total of
 * 1311111 bytes, 1301111 of them live at the end.
 * Other words: "idle" uses no aligned memory; "chdir" goes to / first; "fork" leaves a child behind;
 * "too-large" asks three times for more than there is. */
#undef NDEBUG
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *buffers[4];

static void allocate(void) {
  static const size_t sizes[] = {1000, 10000, 100000, 1000111};
  for (int i = 0; i < 4; i++) {
    if (posix_memalign((void **)&buffers[i], 64, sizes[i]))
      abort();
    memset(buffers[i], i, sizes[i]);
  }
  free(buffers[1]);
  char *grown = realloc(buffers[2], 300000);
  if (!grown)
    abort();
  buffers[2] = grown;
}

/* The child allocates 2000 bytes, frees the 1000 that it inherited, and ends in its own way. */
static void leave_child(int by_exit) {
  pid_t child = fork();
  if (child == 0) {
    void *own;
    if (posix_memalign(&own, 64, 2000))
      abort();
    free(buffers[0]);
    if (by_exit)
      exit(5);
    _exit(5);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
    abort();
  printf("%d\n", (int)child);
  fflush(stdout);
}

static void ask_for_too_much(void) {
  static volatile size_t sizes[] = {PTRDIFF_MAX, SIZE_MAX};
  void *out;
  if (posix_memalign(&out, 64, sizes[0]) != ENOMEM || aligned_alloc(64, sizes[0]) || memalign(64, sizes[1]))
    abort();
  exit(0);
}

int main(int argc, char **argv) {
  const char *way = argc > 1 ? argv[1] : "return";
  if (strcmp(way, "idle") == 0)
    return 5;
  if (strcmp(way, "chdir") == 0 && chdir("/"))
    abort();
  if (strcmp(way, "too-large") == 0)
    ask_for_too_much();
  allocate();
  if (strcmp(way, "fork") == 0)
    leave_child(0);
  if (strcmp(way, "fork-exit") == 0)
    leave_child(1);
  if (strcmp(way, "exit") == 0)
    exit(5);
  if (strcmp(way, "quick_exit") == 0)
    quick_exit(5);
  if (strcmp(way, "_exit") == 0)
    _exit(5);
  if (strcmp(way, "_Exit") == 0)
    _Exit(5);
  if (strcmp(way, "abort") == 0)
    abort();
  if (strcmp(way, "assert") == 0)
    assert(!buffers[0]);
  if (strcmp(way, "errx") == 0)
    errx(5, "bye");
  if (strcmp(way, "bad-free") == 0)
    free((char *)malloc(50) + 8);
  if (strcmp(way, "daemon") == 0 && (daemon(1, 0) || getsid(0) != getpid() || isatty(STDOUT_FILENO)))
    return 1;
  return 5;
}
