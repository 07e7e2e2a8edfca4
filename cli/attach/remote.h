/* Memory of another process, which runs on meanwhile. They return false if not all of it could be read, or
 * written. */
#ifndef ARROWPOOL_CLI_ATTACH_REMOTE_H
#define ARROWPOOL_CLI_ATTACH_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool remote_read(long pid, uint64_t address, void *out, size_t size);
bool remote_write(long pid, uint64_t address, const void *bytes, size_t size);

/* Writes memory that the process itself may not, as code; thread `tid` of it is stopped and traced by us. The
 * address is a multiple of 8, and bytes behind the last are kept. */
bool remote_write_code(long tid, uint64_t address, const void *bytes, size_t size);

#endif
