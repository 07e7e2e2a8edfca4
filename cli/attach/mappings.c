/* Reads /proc/PID/maps (mappings.h). */
#include "cli/attach/mappings.h"

#include "cli/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a line. Returns false if it is none of the kernel's. */
static bool mappings_parse(char *line, mapping *out) {
  char rights[5];
  int path = 0;
  line[strcspn(line, "\n")] = 0;
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &out->begin, &out->end, rights,
             &out->offset, &path) != 4 ||
      !path)
    return false;
  out->reads = rights[0] == 'r';
  out->writes = rights[1] == 'w';
  out->runs = rights[2] == 'x';
  out->is_private = rights[3] == 'p';
  out->path = memory_copy(line + path);
  return true;
}

bool mappings_read(long pid, mappings *out) {
  char path[64], *line = NULL;
  size_t room = 0, most = 0;
  *out = (mappings){0};
  snprintf(path, sizeof path, "/proc/%ld/maps", pid);
  FILE *stream = fopen(path, "re");
  if (!stream)
    return false;
  while (getline(&line, &room, stream) > 0) {
    out->all = memory_one_more(out->all, out->count, &most, sizeof *out->all);
    out->count += mappings_parse(line, out->all + out->count);
  }
  fclose(stream);
  free(line);
  return out->count > 0;
}

void mappings_free(mappings *m) {
  for (size_t i = 0; i < m->count; i++)
    free(m->all[i].path);
  free(m->all);
  *m = (mappings){0};
}

const mapping *mappings_at(const mappings *m, uint64_t address) {
  size_t low = 0, high = m->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (m->all[middle].end <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low < m->count && m->all[low].begin <= address ? m->all + low : NULL;
}
