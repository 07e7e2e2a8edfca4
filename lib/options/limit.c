/* Says what a limit comes to, and where it is from (options.h). */
#include "base/memory_available.h"
#include "base/writer.h"
#include "options/options.h"

int64_t options_limit(const options_value *limit, char source[OPTIONS_SOURCE_BYTES]) {
  int64_t machine = memory_of_machine(),
          group = limit->number < 0 ? memory_available_in_group("", "self") : 0;
  int64_t all = group < machine ? group : machine;
  writer w;
  *source = 0;
  writer_init(&w, writer_keep, &(writer_kept){source, OPTIONS_SOURCE_BYTES, 0});
  writer_print(&w, "%s=%s", options_table[OPTION_LIMIT].variable, limit->text);
  if (limit->number < 0)
    writer_print(&w, group < machine ? " of the cgroup's %s" : " of the machine's %s", SIZE_TEXT(all));
  writer_finish(&w);
  return limit->number < 0 ? all / 100 * -limit->number : limit->number;
}
