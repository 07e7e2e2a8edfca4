/* What a file brings along that serves memory past the shim: an allocator that is linked into it under names
 * of its own, or Arrow's C++ library. Files are recognised by what they hold, for their symbols are often
 * stripped: by the texts that these allocators print and look up, and by the name of a class that only
 * libarrow has. */
#ifndef ARROWPOOL_CLI_PROGRAM_BUNDLED_H
#define ARROWPOOL_CLI_PROGRAM_BUNDLED_H

#include "cli/program/elf_file.h"

#include <stdint.h>

typedef struct bundled {
  bool jemalloc, mimalloc;
  char variable[64]; /* by which its user sets the allocator: _RJEM_MALLOC_CONF, MIMALLOC_*; empty: there is
                        none */
  bool static_arrow; /* libarrow is linked into it */
  bool is_arrow;     /* it is a libarrow that others link to, and its allocators are Arrow's pools */
} bundled;

/* Looks at one file, of which at most `*budget` bytes are read; that becomes less by what was read. Returns
 * false if nothing of the kind is in it, or could be seen. */
bool bundled_look(const elf_file *f, uint64_t *budget, bundled *out);

#endif
