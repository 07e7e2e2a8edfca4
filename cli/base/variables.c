/* Finds which variable was meant by an unknown name. */
#include "cli/base/variables.h"

#include "cli/base/cli.h"
#include "options/options.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Returns how many edits turn one name into the other. */
static unsigned count_edits(const char *name, const char *other) {
  unsigned row[OPTIONS_NAME_BYTES];
  size_t width = strlen(other);
  for (size_t i = 0; i <= width; i++)
    row[i] = (unsigned)i;
  for (size_t y = 1; *name; y++, name++) {
    unsigned diagonal = row[0];
    row[0] = (unsigned)y;
    for (size_t x = 1; x <= width; x++) {
      unsigned replace = diagonal + (*name != other[x - 1]), best = row[x] < row[x - 1] ? row[x] : row[x - 1];
      diagonal = row[x];
      row[x] = replace < best + 1 ? replace : best + 1;
    }
  }
  return row[width];
}

const char *variables_nearest(const char *name) {
  const char *nearest = NULL;
  unsigned least = UINT32_MAX;
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++) {
    unsigned edits = count_edits(name, row->variable);
    if (edits < least) {
      least = edits;
      nearest = row->variable;
    }
  }
  return nearest;
}

void variables_check(char *const environment[], variables_tell tell, void *context) {
  char name[OPTIONS_NAME_BYTES];
  const char *meant;
  while (options_next_unknown(&environment, name, &meant))
    tell(context, name, meant ? meant : variables_nearest(name));
}

static void tell_on_stderr(void *context, const char *name, const char *nearest) {
  (void)context;
  cli_usage_error("%s: unknown variable; the nearest is %s", name, nearest);
}

void variables_check_own(void) { variables_check(environ, tell_on_stderr, NULL); }
