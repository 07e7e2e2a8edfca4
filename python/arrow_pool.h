/* Makes pools of ours objects of Arrow's class MemoryPool, in a libarrow that was compiled without us.
 *
 * An object is a ProxyMemoryPool of libarrow's own, with a copy of that class's table of virtual functions in
 * which ours allocate and count. Objects are never given back: Arrow keeps plain pointers to them. */
#ifndef ARROWPOOL_PYTHON_ARROW_POOL_H
#define ARROWPOOL_PYTHON_ARROW_POOL_H

#include "arrowpool.h"

typedef struct arrow_pool arrow_pool;

/* Finds libarrow among what a library needs that is loaded already (pyarrow's lib.so), and learns its layout.
 * Returns NULL on success, else a reason for the user. It is not thread-safe; once is enough. */
const char *arrow_pool_prepare(const char *library);

/* Makes an object over a pool, which has to live as long as the process, after arrow_pool_prepare. The text
 * is what Arrow calls the backend, at most 15 bytes that stay. Returns NULL if there is no memory. */
arrow_pool *arrow_pool_create(arrowpool_pool *pool, const char *backend_name);

#endif
