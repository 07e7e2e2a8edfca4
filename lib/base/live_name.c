/* Makes and parses the names of live files (live_name.h). */
#include "base/live_name.h"

#include "base/writer.h"

#include <string.h>

static const char prefix[] = "arrowpool-";

size_t live_name_make(char out[LIVE_NAME_BYTES], int64_t pid, int64_t start_ticks, int64_t image,
                      const char *suffix) {
  size_t ending = strlen(suffix);
  const int64_t numbers[] = {pid, start_ticks, image};
  size_t used = sizeof prefix - 1;
  memcpy(out, prefix, sizeof prefix);
  for (int i = 0; i < 3; i++) {
    used += writer_format_int(out + used, numbers[i]);
    out[used++] = '-';
  }
  memcpy(out + --used, suffix, ending + 1); /* in the last dash's place */
  return used + ending;
}

size_t live_name_parse(const char *name, int64_t numbers[3]) {
  const char *at = name + sizeof prefix - 1;
  if (strncmp(name, prefix, sizeof prefix - 1) != 0)
    return 0;
  for (int i = 0; i < 3; i++) {
    int64_t number = 0;
    const char *digits = at;
    for (; *at >= '0' && *at <= '9'; at++)
      if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *at - '0', &number))
        return 0;
    if (at == digits || (i < 2 && *at++ != '-'))
      return 0;
    if (numbers)
      numbers[i] = number;
  }
  return (size_t)(at - name);
}

bool live_name_is(const char *name, int64_t numbers[3]) {
  size_t length = live_name_parse(name, numbers);
  return length && strcmp(name + length, LIVE_SUFFIX) == 0;
}
