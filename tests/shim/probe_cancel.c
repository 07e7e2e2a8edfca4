/* Threads with a cancellation pending come by everything that is slow: none of it is a cancellation point, so
 * each does all of its work, and ends at its own. Prints the status of a child that such a thread forked. */
#include "probe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int work(void); /* what the thread has to show for it */

static int first_buffer(void) {
  char *bytes = NULL;
  if (posix_memalign((void **)&bytes, 64, 1000))
    return -1;
  memset(bytes, 1, 1000);
  free(bytes);
  return 1000;
}

/* Large, so that pages become idle when it is freed, and somebody has to give them back. */
static int grow_and_free(void) {
  char *bytes = NULL;
  if (posix_memalign((void **)&bytes, 64, 200000))
    return -1;
  memset(bytes, 1, 200000);
  bytes = realloc(hide(bytes), 3000000);
  if (!bytes || bytes[199999] != 1)
    return -1;
  free(bytes);
  return 3000000;
}

static int dump(void) { return raise(SIGUSR2) == 0; }

/* pthread_exit or a cancellation in the child would end it with status 0. */
static int child_status;
static int fork_and_go_on(void) {
  pid_t child = fork();
  if (child == 0)
    _exit(grow_and_free() == 3000000 ? 7 : 8);
  return child;
}

typedef struct task {
  work *does;
  atomic_int result;
} task;

static void *cancelled(void *argument) {
  task *t = argument;
  pthread_cancel(pthread_self());
  t->result = t->does();
  pthread_testcancel();
  t->result = -2; /* not cancelled at all */
  return NULL;
}

static int run(work *does) {
  task t = {does, 0};
  pthread_t thread;
  void *result = NULL;
  if (pthread_create(&thread, NULL, cancelled, &t) || pthread_join(thread, &result))
    abort();
  CHECK(result == PTHREAD_CANCELED, "%p", result);
  return t.result;
}

int main(void) {
  struct sigaction theirs;
  if (sigaction(SIGUSR2, NULL, &theirs) == 0 && theirs.sa_handler == SIG_DFL)
    signal(SIGUSR2, SIG_IGN);
  for (int i = 0; i < 5; i++) {
    int result = run(first_buffer);
    CHECK(result == 1000, "%d", result);
    result = run(grow_and_free);
    CHECK(result == 3000000, "%d", result);
    result = run(dump);
    CHECK(result == 1, "%d", result);
    result = run(grow_and_free); /* so that a thread of ours has something to do when the next one forks */
    CHECK(result == 3000000, "%d", result);
    pid_t child = run(fork_and_go_on);
    CHECK(child > 0 && waitpid(child, &child_status, 0) == child, "%d", child);
    CHECK(child_status == 7 << 8, "%x", (unsigned)child_status);
    CHECK(grow_and_free() == 3000000, "no buffer for the thread that was not cancelled");
  }
  return probe_failures != 0;
}
