/* Where the calling thread's stack ends: what lies between a frame of the thread and that end can be read.
 *
 * A thread that runs elsewhere (on an alternate signal stack, or on the stack of a coroutine) has no end, for
 * as long as it does. */
#ifndef ARROWPOOL_PROFILE_THREAD_STACK_H
#define ARROWPOOL_PROFILE_THREAD_STACK_H

#include <stdint.h>

/* Notes the main thread, if it is the caller. This is called once, before the other. */
void thread_stack_start(void);

/* Returns the end (one past the last byte) of the stack that holds the address `here`, which is one of the
 * caller's frame; 0 if that is not the thread's own stack.
 *
 * It is async-signal-safe, keeps errno and takes no lock, but for a thread's first call: that one asks
 * pthread_getattr_np, which takes the thread's own lock and calls the program's malloc and free. A call that
 * comes out of these returns 0. The main thread's stack is known without. */
uintptr_t thread_stack_end(uintptr_t here);

#endif
