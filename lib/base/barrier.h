/* A memory barrier of all threads of the process, for who changes what they read without one: what they did
 * before is seen by the caller afterwards, and what they read later is what the caller wrote before. */
#ifndef ARROWPOOL_BASE_BARRIER_H
#define ARROWPOOL_BASE_BARRIER_H

/* Returns after each thread has passed a barrier, as far as the kernel has such a call; else after the
 * caller's own, as good as that for threads that run on the same processor. Keeps errno. */
void barrier_of_all_threads(void);

#endif
