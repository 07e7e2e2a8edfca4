/* Tells where a dump goes: the pattern of ARROW_POOL_STATS with its placeholders filled in. It uses no malloc
 * and no stdio. */
#ifndef ARROWPOOL_SHIM_DUMP_DUMP_PATH_H
#define ARROWPOOL_SHIM_DUMP_DUMP_PATH_H

#include "base/writer.h"
#include "report/snapshot.h"

#include <limits.h>

/* Expands `pattern`, which options_parse accepted; a relative one begins at `directory`, which may be "". The
 * writer is room that a signal's stack may not have. Names from outside stay within one component of the path
 * and cannot be "." or "..". Returns false, with ENAMETOOLONG and what found room in `out`, if the path is
 * longer than the kernel's: nothing may be written under a path that was cut. */
bool dump_path_expand(char out[PATH_MAX], writer *w, const char *directory, const char *pattern,
                      const snapshot_process *process);

#endif
