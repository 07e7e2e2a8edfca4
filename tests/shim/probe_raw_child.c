/* Children that come without a fork's handlers. The parent holds ten buffers of 1 MiB; the child frees them,
 * makes five of 8 MiB, and grows and frees another, which leaves idle pages. Then the parent says "ready",
 * waits for a line of stdin, makes one buffer of 1 MiB more, and ends. By the first argument:
 *
 *     clone        the system call; the child ends by _exit
 *     clone-exit   likewise, by exit
 *     clone-fork   likewise; it has forked a child, which makes one buffer of 2000 bytes and ends by _exit
 *     clone-threads  likewise; four threads of the child use memory at once, before anything else does
 *     _Fork        glibc's fork without handlers
 *     vm           the child shares all memory, as that of a vfork does: what it does is the parent's doing
 *     chain N      no such child: N forks, each the child of the one before, and a buffer of 1000 bytes in
 * each */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static char *held[10];
static const char *way;

static char *make(size_t size) {
  void *buffer;
  if (posix_memalign(&buffer, 64, size))
    abort();
  return memset(buffer, 1, size);
}

static int is(const char *word) { return strcmp(way, word) == 0; }

static void *use_in_thread(void *unused) {
  for (int i = 0; i < 100; i++)
    free(make(1000));
  return unused;
}

static void use_in_threads(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&threads[i], NULL, use_in_thread, NULL))
      abort();
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
}

static void wait_for(pid_t child) {
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status)
    abort();
}

static int work_in_child(void *unused) {
  (void)unused;
  if (is("clone-threads"))
    use_in_threads();
  for (int i = 0; i < 10; i++)
    free(held[i]);
  for (int i = 0; i < 5; i++)
    make(8 * MIB);
  free(realloc(make(MIB), 32 * MIB));
  if (is("clone-fork")) {
    pid_t child = fork();
    if (child == 0) {
      make(2000);
      _exit(0);
    }
    wait_for(child);
  }
  if (is("clone-exit"))
    exit(0);
  _exit(0);
}

/* There is none before glibc 2.34, where the system call stands in for it. */
extern pid_t _Fork(void) __attribute__((weak));

static pid_t make_child(void) {
  static char stack[1 << 18] __attribute__((aligned(64)));
  if (is("vm"))
    return clone(work_in_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  pid_t child = is("_Fork") && _Fork ? _Fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0)
    work_in_child(NULL);
  return child;
}

static void chain(int left) {
  make(1000);
  if (!left)
    return;
  pid_t child = fork();
  if (child == 0) {
    chain(left - 1);
    _exit(0);
  }
  wait_for(child);
}

int main(int argc, char **argv) {
  char line[16];
  way = argc > 1 ? argv[1] : "";
  if (is("chain")) {
    chain(atoi(argv[2]));
    return 0;
  }
  for (int i = 0; i < 10; i++)
    held[i] = make(MIB);
  wait_for(make_child());
  for (int i = 0; i < 10 && !is("vm"); i++)
    if (held[i][77] != 1)
      abort();
  puts("ready");
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin))
    return 1;
  make(MIB);
  return 0;
}
