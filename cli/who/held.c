/* Finds profiles of processes that other commands tell of, and prints who holds their memory. */
#include "cli/who/held.h"

#include "cli/stats/live_files.h"
#include "cli/who/who.h"

#include <string.h>
#include <unistd.h>

enum { HELD_LINES = 3 };

bool who_find_profile(const char *pid, const char *beside, char *out, size_t size) {
  if (pid && live_files_mapped(pid, PROFILE_SUFFIX, out, size))
    return true;
  if (!beside)
    return false;
  const char *name = strrchr(beside, '/'), *ending = strrchr(name ? name : beside, '.');
  size_t length = ending ? (size_t)(ending - beside) : strlen(beside);
  if (length + sizeof PROFILE_SUFFIX > size)
    return false;
  memcpy(out, beside, length);
  memcpy(out + length, PROFILE_SUFFIX, sizeof PROFILE_SUFFIX);
  return access(out, F_OK) == 0;
}

void who_print_held(char *const paths[], size_t count, uint64_t processes) {
  who_top_line lines[HELD_LINES];
  size_t read = who_top_lines_of(paths, count, HELD_LINES, lines);
  if (!read || !*lines[0].text)
    return;
  if (processes == 1)
    puts("held by");
  else
    printf("held by, in the profiles of %zu of %llu processes\n", read, (unsigned long long)processes);
  for (const who_top_line *line = lines; line < lines + HELD_LINES && *line->text; line++)
    printf("%12s  %5.1f%%  %s%s\n", SIZE_TEXT(line->bytes), 100 * line->share, line->text,
           line->by_task ? "  [task]" : "");
}

void who_write_held_json(writer *w, char *const paths[], size_t count) {
  who_top_line lines[HELD_LINES];
  size_t read = who_top_lines_of(paths, count, HELD_LINES, lines);
  if (!read) {
    writer_text(w, "null");
    return;
  }
  writer_print(w, "{\"profiles\":%ld,\"lines\":[", (int64_t)read);
  for (const who_top_line *line = lines; line < lines + HELD_LINES && *line->text; line++) {
    writer_text(w, line == lines ? "{\"line\":" : ",{\"line\":");
    writer_json_string(w, line->text);
    writer_print(w, ",\"task\":%s,\"bytes\":%ld,\"share\":", line->by_task ? "true" : "false", line->bytes);
    writer_milliseconds(w, who_whole(line->share * 1000));
    writer_text(w, "}");
  }
  writer_text(w, "]}");
}
