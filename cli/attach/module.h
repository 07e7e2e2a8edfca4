/* A program or library that is loaded in another process: its file, where it lies there, where its functions
 * are, and memory of its that nobody uses: the rest of a page behind the end of a segment. */
#ifndef ARROWPOOL_CLI_ATTACH_MODULE_H
#define ARROWPOOL_CLI_ATTACH_MODULE_H

#include "cli/attach/mappings.h"
#include "cli/program/elf_file.h"

typedef struct range {
  uint64_t begin, end;
} range;

typedef struct module {
  const char *path; /* the mappings' own */
  elf_file elf;
  uint64_t bias; /* it is added to the file's addresses */
  range code;    /* what of it runs */
} module;

/* Opens the file behind a mapping that runs. Returns false if it is not the file that is mapped, or cannot be
 * read; nothing is held then. */
bool module_open(long pid, const mappings *m, const mapping *code, module *out);
void module_close(module *m);

/* Returns the address of a function in the process; 0: it exports none of that name. */
uint64_t module_function(const module *m, const char *name);

/* Returns where the code of these functions lies, with what is not exported of their source file: it reaches
 * to the nearest others. Empty if there are none. */
range module_stretch(const module *m, const char *const names[], size_t count);

/* Returns the unused rest of the page behind its code, or behind its data. Empty if there is none. */
range module_rest(const module *m, const mappings *all, bool of_data);

#endif
