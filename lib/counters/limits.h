/* Limits on live bytes, of single pools and over all: they are exact, whatever threads do at the same time.
 *
 * Bytes are charged before they are allocated and taken off the charge after they were freed, so what is live
 * never exceeds a limit. Only pools under a limit are charged; the others pay nothing. The limits know
 * nothing of pools but their number. They are lock-free and async-signal-safe. */
#ifndef ARROWPOOL_COUNTERS_LIMITS_H
#define ARROWPOOL_COUNTERS_LIMITS_H

#include <stdint.h>

typedef enum limits_scope {
  LIMITS_NONE,    /* no limit was in the way */
  LIMITS_OF_POOL, /* the pool's own was */
  LIMITS_OF_ALL   /* that over all pools was */
} limits_scope;

#define LIMITS_UNLIMITED INT64_MAX

/* They set the most bytes. Where more are live already, nothing is charged until they are fewer. */
void limits_set(unsigned pool, int64_t most);
void limits_set_all(int64_t most);

/* Says how many bytes are live in a pool, where no other thread uses it. */
void limits_restate(unsigned pool, int64_t live);

/* They return the limit in force; LIMITS_UNLIMITED means none. */
int64_t limits_of(unsigned pool);
int64_t limits_of_all(void);

/* Charges bytes (0 or more) to the pool and to all; or charges nothing, and returns which limit stood in the
 * way. */
limits_scope limits_charge(unsigned pool, int64_t bytes);
void limits_uncharge(unsigned pool, int64_t bytes);

/* Charges bytes that are live, whatever the limits say; fewer than none are taken off. */
void limits_adjust(unsigned pool, int64_t bytes);

/* They return what is charged at the moment (bytes). */
int64_t limits_charged(unsigned pool);
int64_t limits_charged_to_all(void);

#endif
