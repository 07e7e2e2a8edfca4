/* Finds the bounds of the calling thread's stack, and keeps them in the thread.
 *
 * pthread_getattr_np would read /proc/self/maps with stdio for the main thread, so it is not asked for that
 * one. In the child of a fork, the thread with the process's number may be any thread of the parent, whose
 * stack is no other than before. */
#include "profile/thread_stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel maps nothing else within so much of the main thread's stack, unless it is told where. */
#define MAIN_MOST ((uintptr_t)127 << 20)

/* Where the loader found the arguments: the main thread's stack begins there, at its upper end. */
extern void *__libc_stack_end; /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): glibc's */

static _Atomic uintptr_t main_thread; /* its pthread_self; 0: not known yet */

static __thread struct {
  uintptr_t from, size;
  bool known; /* they are not asked for again */
} bounds;

static bool has_process_number(void) { return syscall(SYS_gettid) == (long)getpid(); }

/* Returns how much of the main thread's stack there may be (bytes): what its limit is, as far as nothing else
 * can lie there. */
static uintptr_t main_size(void) {
  struct rlimit limit;
  bool is_less = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < MAIN_MOST;
  return is_less ? (uintptr_t)limit.rlim_cur : MAIN_MOST;
}

static bool is_on_main_stack(uintptr_t here) { return (uintptr_t)__libc_stack_end - here < main_size(); }

static void note_main(uintptr_t here) {
  if (!atomic_load_explicit(&main_thread, memory_order_relaxed) && is_on_main_stack(here) &&
      has_process_number())
    atomic_store_explicit(&main_thread, (uintptr_t)pthread_self(), memory_order_relaxed);
}

void thread_stack_start(void) {
  int saved = errno;
  note_main((uintptr_t)__builtin_frame_address(0));
  errno = saved;
}

static void ask_library(void) {
  pthread_attr_t attributes;
  void *from = NULL;
  size_t size = 0;
  bounds.known = true; /* malloc may lead here again */
  if (pthread_getattr_np(pthread_self(), &attributes) != 0)
    return;
  if (pthread_attr_getstack(&attributes, &from, &size) == 0) {
    bounds.from = (uintptr_t)from;
    bounds.size = size - ((uintptr_t)from + size) % sizeof(void *);
  }
  pthread_attr_destroy(&attributes);
}

static void find_bounds(uintptr_t here) {
  int saved = errno;
  note_main(here);
  uintptr_t main_one = atomic_load_explicit(&main_thread, memory_order_relaxed);
  if (main_one == (uintptr_t)pthread_self()) {
    bounds.known = true;
    bounds.size = main_size();
    bounds.from = (uintptr_t)__libc_stack_end - bounds.size;
  } else if (main_one || !has_process_number()) {
    ask_library();
  } /* else it may be the main thread, elsewhere: its next call may tell */
  errno = saved;
}

uintptr_t thread_stack_end(uintptr_t here) {
  if (!bounds.known)
    find_bounds(here);
  return here - bounds.from < bounds.size ? bounds.from + bounds.size : 0;
}
