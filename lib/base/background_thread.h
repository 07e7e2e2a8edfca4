/* A thread that does something later, over and over, although the program never calls us again: it gives idle
 * memory back, or writes statistics.
 *
 * It starts when there is something to do and ends when there is not. It blocks all signals, is gone while
 * the process forks, and does not keep a process alive whose main thread has ended. */
#ifndef ARROWPOOL_BASE_BACKGROUND_THREAD_H
#define ARROWPOOL_BASE_BACKGROUND_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The work: it does what is due and returns the milliseconds until more is due, or BACKGROUND_THREAD_DONE. */
#define BACKGROUND_THREAD_DONE INT64_MAX
typedef int64_t (*background_thread_work)(void);

/* The thread wakes after so long (ms), whatever it waits for: the end of the main thread goes unnoticed until
 * then. */
#define BACKGROUND_THREAD_LONGEST_WAIT 1000

typedef struct background_thread {
  background_thread_work work;
  pthread_mutex_t lock;
  pthread_t thread;
  _Atomic bool awake;  /* a thread runs that will look again */
  _Atomic pid_t owner; /* the process whose thread is to be joined; 0: none. Written under the lock */
  pid_t number;        /* the thread's id in the kernel; the thread writes it */
  bool left;           /* the thread will not look again; the lock protects this and what follows */
  _Atomic int pausing; /* how many forks are under way, when no thread may run */
  _Atomic int calls;   /* a futex: it changes when a pause begins, or the thread is to look at once */
  bool missed;         /* somebody wanted to wake the thread meanwhile */
  bool retired;        /* there is no thread any more, and `awake` stays true, so that nobody asks for one */
} background_thread;
#define BACKGROUND_THREAD(function)                                                                          \
  { .work = (function), .lock = PTHREAD_MUTEX_INITIALIZER }

/* Has the work done from now on, until it is done. It is cheap if the thread runs already. The caller holds
 * no lock: starting a thread calls the program's malloc. */
void background_thread_wake(background_thread *k);

/* Has a thread that waits do its work at once, or once more. It takes no lock. */
void background_thread_hurry(background_thread *k);

/* Returns whether there is a thread and it is this process's own: not the thread of a parent that shares its
 * memory with us (vfork) or left us a copy without a thread (clone). */
bool background_thread_is_here(const background_thread *k);

/* These are called around a fork: pause ends the thread, and resume lets it start again when it is woken
 * next. Pause returns true if there was a thread or somebody wanted one: its work is left to the caller, who
 * has to finish it or wake the thread again. */
bool background_thread_pause(background_thread *k);
void background_thread_resume(background_thread *k, bool in_child);

/* Retire ends the thread and lets none start again until return. */
void background_thread_retire(background_thread *k);
void background_thread_return(background_thread *k);

#endif
