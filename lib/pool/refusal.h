/* Says in words why a request was refused, for the errors and warnings of the hooks. Async-signal-safe. */
#ifndef ARROWPOOL_POOL_REFUSAL_H
#define ARROWPOOL_POOL_REFUSAL_H

#include "pool/pool.h"

#define REFUSAL_BYTES 320 /* the longest text, with its NUL */

/* Writes what failed and what stood in its way: "malloc of size 1000 failed: pool c:etl has 900 bytes of its
 * limit of 1.5 KiB", "realloc of 500 to 1000 failed: ...". old_size (bytes) is 0 for an allocation. */
void refusal_describe(const arrowpool_pool *pool, int64_t old_size, int64_t new_size, char *out);

/* Writes what a pool holds, for a table: "c:etl: 900 bytes live, peak 1.5 KiB". */
void refusal_describe_pool(const pool_view *pool, char *out);

#endif
