/* A thread that does something later, over and over, although the program never calls us again: it gives idle
 * memory back, or writes statistics.
 *
 * It starts when there is something to do and ends when there is not. It blocks all signals, is gone while
 * the process forks, and does not keep alive a process whose main thread has ended. */
#ifndef ARROWPOOL_BASE_BACKGROUND_THREAD_H
#define ARROWPOOL_BASE_BACKGROUND_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Does what is due; returns milliseconds until more is, or BACKGROUND_THREAD_DONE. */
#define BACKGROUND_THREAD_DONE INT64_MAX
typedef int64_t (*background_thread_work)(void);

typedef struct background_thread {
  background_thread_work work;
  pthread_mutex_t lock;
  pthread_t thread;
  _Atomic bool awake;  /* a thread runs that will look again */
  _Atomic pid_t owner; /* the process whose thread has to be joined; 0: none has. Written under the lock */
  pid_t number;        /* the kernel's, of the thread; written by the thread */
  bool left;           /* protected by lock, as what follows: the thread will not look again */
  _Atomic int pausing; /* forks under way: the thread has to leave, and none may start; a futex */
  bool missed;         /* a wake that came then */
  bool retired;        /* no thread any more, and `awake` for good: nobody asks for one */
} background_thread;
#define BACKGROUND_THREAD(function)                                                                          \
  { .work = (function), .lock = PTHREAD_MUTEX_INITIALIZER }

/* Have the work done from now on, until it is done. Cheap if the thread runs already. No lock may be held:
 * starting a thread calls the program's malloc. */
void background_thread_wake(background_thread *k);

/* Whether there is a thread, and it is this process's own: not that of a parent which shares its memory with
 * us (vfork), or left us a copy without a thread (clone). */
bool background_thread_is_here(const background_thread *k);

/* fork: end the thread before, and let it start again after, when it is woken next. True if there was one
 * or somebody wanted one: its work is left to the caller, who has to finish it or wake it again. */
bool background_thread_pause(background_thread *k);
void background_thread_resume(background_thread *k, bool in_child);

/* End the thread, and let none start again until it returns. */
void background_thread_retire(background_thread *k);
void background_thread_return(background_thread *k);

#endif
