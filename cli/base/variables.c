/* Finds which variable was meant by an unknown name. */
#include "cli/base/variables.h"

#include "cli/base/cli.h"
#include "cli/base/nearest.h"
#include "options/options.h"

#include <unistd.h>

const char *variables_nearest(const char *name) {
  nearest found = nearest_begin(name);
  for (const options_row *row = options_table; row < options_table + OPTION_COUNT; row++)
    nearest_try(&found, row->variable);
  return found.word;
}

void variables_check(char *const environment[], variables_tell tell, void *context) {
  char name[OPTIONS_NAME_BYTES];
  const char *meant;
  while (options_next_unknown(&environment, name, &meant))
    tell(context, name, meant ? meant : variables_nearest(name));
}

static void tell_on_stderr(void *context, const char *name, const char *known) {
  (void)context;
  cli_usage_error("%s: unknown variable; the nearest is %s", name, known);
}

void variables_check_own(void) { variables_check(environ, tell_on_stderr, NULL); }
