/* What the kernel grants to a process with one thread only, asked while there is memory to give back: user
 * namespaces, made and entered, by the process and by a child that clone left a copy of it. Exit status 77:
 * they cannot be had here at all. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Leaves idle pages, for which a thread waits until they go back. */
static void use_buffers(void) {
  for (int i = 0; i < 10; i++) {
    char *bytes = NULL;
    if (posix_memalign((void **)&bytes, 64, 3000000))
      abort();
    memset(bytes, 1, 3000000);
    free(bytes);
  }
}

static int status_of(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/* Run in a child, whose end is its own: 0, or an errno. */
static int in_child(int (*what)(void)) {
  pid_t child = fork();
  if (child == 0) {
    use_buffers();
    _exit(what());
  }
  return status_of(child) >> 8;
}

static int make(void) {
  int error = unshare(CLONE_NEWUSER) ? errno : 0;
  use_buffers();
  return error || unshare(CLONE_NEWNS | CLONE_FS) == 0 ? error : errno;
}

/* That of another process, which waits to be killed. */
static int enter(void) {
  int ready[2];
  char path[64], byte;
  if (pipe(ready))
    return errno;
  pid_t other = fork();
  if (other == 0) {
    if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "x", 1) == 1)
      pause();
    _exit(1);
  }
  close(ready[1]);
  int error = read(ready[0], &byte, 1) == 1 ? 0 : EPERM;
  snprintf(path, sizeof path, "/proc/%d/ns/user", other);
  use_buffers();
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (!error && setns(fd, CLONE_NEWUSER))
    error = errno;
  kill(other, SIGKILL);
  status_of(other);
  return error;
}

/* clone leaves the child a copy of everything but our threads. */
static int make_in_clone(void) {
  long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0)
    _exit(unshare(CLONE_NEWUSER) ? errno : 0);
  return status_of((pid_t)child) >> 8;
}

static int fork_in_clone(void) {
  long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    pid_t grandchild = fork();
    _exit(grandchild ? status_of(grandchild) >> 8 : 0);
  }
  return status_of((pid_t)child) >> 8;
}

/* vfork lends the child everything, and our threads stay with the parent. */
static int make_in_vfork(void) {
  pid_t child = vfork();
  if (child == 0)
    _exit(unshare(CLONE_NEWUSER) ? errno : 0);
  int error = status_of(child) >> 8;
  use_buffers();
  return error ? error : make();
}

static void *wait_for_ever(void *unused) {
  pause();
  return unused;
}

/* With a thread of the program's own the answer is the kernel's. */
static int make_beside_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL))
    return EAGAIN;
  return unshare(CLONE_NEWUSER) ? errno : 0;
}

int main(void) {
  pid_t bare = fork(); /* before anything was used */
  if (bare == 0)
    _exit(unshare(CLONE_NEWUSER) ? 1 : 0);
  if (status_of(bare))
    return 77;
  int error = in_child(make);
  CHECK(error == 0, "%s", strerror(error));
  error = in_child(enter);
  CHECK(error == 0, "%s", strerror(error));
  error = in_child(make_in_clone);
  CHECK(error == 0, "%s", strerror(error));
  error = in_child(fork_in_clone);
  CHECK(error == 0, "%s", strerror(error));
  error = in_child(make_in_vfork);
  CHECK(error == 0, "%s", strerror(error));
  error = in_child(make_beside_thread);
  CHECK(error == EINVAL, "%s", strerror(error));
  return probe_failures != 0;
}
