/* Limits on live bytes, of single pools and over all: exact, whatever threads do at the same time.
 *
 * Bytes are charged before they are allocated and taken off the charge after they were freed, so what is live
 * never exceeds a limit. Only pools under a limit are charged; the others pay nothing. Knows nothing of pools
 * but their number. Lock-free and async-signal-safe. */
#ifndef ARROWPOOL_QUOTA_H
#define ARROWPOOL_QUOTA_H

#include <stdint.h>

typedef enum quota_scope {
  QUOTA_NONE,    /* no limit was in the way */
  QUOTA_OF_POOL, /* the pool's own */
  QUOTA_OF_ALL   /* that over all pools */
} quota_scope;

#define QUOTA_UNLIMITED INT64_MAX

/* The most bytes, and how many are live already. Before the pools concerned are used by other threads. */
void quota_set(unsigned pool, int64_t most, int64_t live);
void quota_set_all(int64_t most, int64_t live);

/* The limit in force; QUOTA_UNLIMITED: none. */
int64_t quota_of(unsigned pool);
int64_t quota_of_all(void);

/* Charge bytes (0 or more) to the pool and to all; or nothing, and which limit stood in the way. */
quota_scope quota_charge(unsigned pool, int64_t bytes);
void quota_uncharge(unsigned pool, int64_t bytes);

/* What is charged at the moment (bytes). */
int64_t quota_charged(unsigned pool);
int64_t quota_charged_to_all(void);

#endif
