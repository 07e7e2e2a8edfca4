/* Copies the names of libraries out of the loader's iteration (libraries.h). */
#include "shim/libraries.h"

#include <link.h>
#include <string.h>

typedef struct search {
  size_t to_pass; /* it counts down to 0 */
  char *file;
} search;

static int copy_file_name(struct dl_phdr_info *info, size_t size, void *context) {
  search *s = context;
  (void)size;
  if (s->to_pass--)
    return 0;
  strncpy(s->file, info->dlpi_name, PATH_MAX - 1);
  return 1;
}

bool libraries_next(libraries_iterator *i) {
  search s = {.to_pass = i->passed++, .file = i->file};
  return dl_iterate_phdr(copy_file_name, &s);
}
