/* fork where it is hard, by the first argument; contents are checked, and each child has to end by itself.
 *
 *     handlers N  N forks, with fork handlers that allocate: of a library that registered them before
 *                 anything of the program's ran (this file as well, with -DLIBRARY)
 *     nested      a signal handler forks, also while another fork is under way; no buffer was ever used
 *     threads N   as handlers, while three threads allocate and free
 *     timer N     N forks by a timer's handler, wherever it comes while large buffers grow: each other child
 * leaves at once, the others go on with what was interrupted */
#include "probe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern atomic_int probe_handlers_run;

static void use_buffers(void) {
  for (size_t size = 100; size <= 1000000; size *= 100) {
    char *bytes = NULL;
    if (posix_memalign((void **)&bytes, 64, size))
      abort();
    memset(bytes, 1, size);
    bytes = realloc(hide(bytes), 3 * size);
    if (!bytes || bytes[size - 1] != 1)
      abort();
    free(bytes);
  }
}

#ifdef LIBRARY

__attribute__((visibility("default"))) atomic_int probe_handlers_run;

static void handler(void) {
  use_buffers();
  probe_handlers_run++;
}

__attribute__((constructor)) static void come_first(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "nested") != 0 && strcmp(argv[1], "timer") != 0 &&
      pthread_atfork(handler, handler, handler))
    abort();
}

#else

static atomic_bool done;

static void expect(pid_t child, int wanted) {
  int status;
  if (child < 0)
    abort();
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      abort();
  CHECK(status == wanted, "status %x", (unsigned)status);
}

static void fork_with_handlers(int count) {
  for (int i = 0; i < count; i++) {
    int before = probe_handlers_run;
    pid_t child = fork();
    CHECK(probe_handlers_run == before + 2, "%d handlers", probe_handlers_run - before);
    use_buffers();
    if (child == 0)
      _exit(probe_failures ? 1 : 7);
    expect(child, 7 << 8);
  }
}

static void *churn(void *unused) {
  while (!done)
    use_buffers();
  return unused;
}

static void fork_beside_threads(int count) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    if (pthread_create(&threads[i], NULL, churn, NULL))
      abort();
  fork_with_handlers(count);
  done = true;
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
}

/* ---- a signal within a fork ---- */

static atomic_int interrupted, within; /* forks from the handler; of those, while another was under way */
static volatile sig_atomic_t forking;

static void fork_in_handler(int number) {
  (void)number;
  int saved = errno;
  interrupted++;
  within += forking;
  pid_t child = fork();
  if (child == 0)
    _exit(0);
  if (child < 0)
    _exit(3);
  errno = saved; /* the child is reaped below, whatever else it interrupts */
}

/* A child sends signals as fast as it can, until enough of them came in the middle of a fork. */
static void fork_nested(void) {
  struct sigaction action = {.sa_handler = fork_in_handler};
  pid_t self = getpid();
  if (sigaction(SIGUSR1, &action, NULL))
    abort();
  pid_t sender = fork();
  if (sender == 0)
    for (;;)
      if (kill(self, SIGUSR1))
        _exit(0);
  while (within < 50) {
    forking = 1;
    pid_t child = fork();
    forking = 0;
    if (child == 0)
      _exit(0);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
  kill(sender, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
  }
}

/* ---- a timer's ---- */

static volatile sig_atomic_t timer_forks, is_child;

static void fork_by_timer(int number) {
  (void)number;
  int saved = errno;
  pid_t child = is_child ? -1 : fork();
  if (child == 0 && timer_forks % 2)
    _exit(7);
  is_child |= child == 0;
  if (child > 0)
    expect(child, 7 << 8);
  timer_forks++;
  errno = saved;
}

/* The next signal comes when the program has gone on after the last one. */
static void fork_within_allocations(int count) {
  if (signal(SIGALRM, fork_by_timer) == SIG_ERR)
    abort();
  while (timer_forks < count && !is_child) {
    const struct itimerval once = {{0, 0}, {0, 1 + timer_forks * 37 % 400}};
    int before = timer_forks;
    if (setitimer(ITIMER_REAL, &once, NULL))
      abort();
    while (timer_forks == before)
      use_buffers();
  }
  use_buffers();
  if (is_child)
    _exit(probe_failures ? 1 : 7);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int count = argc > 2 ? atoi(argv[2]) : 1;
  if (strcmp(what, "handlers") == 0)
    fork_with_handlers(count);
  else if (strcmp(what, "threads") == 0)
    fork_beside_threads(count);
  else if (strcmp(what, "timer") == 0)
    fork_within_allocations(count);
  else if (strcmp(what, "nested") == 0)
    fork_nested();
  else
    return 2;
  return probe_failures != 0;
}

#endif
