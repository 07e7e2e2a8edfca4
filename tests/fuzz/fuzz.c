/* See fuzz.h. */
#include "fuzz.h"

#include "cli/stats/merge.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
    abort();
  return path;
}

void fuzz_take_text(const uint8_t **data, size_t *left, char *out, size_t size) {
  size_t length = strnlen((const char *)*data, *left), taken = length < size ? length : size - 1;
  memcpy(out, *data, taken);
  out[taken] = 0;
  length += length < *left; /* the NUL */
  *data += length;
  *left -= length;
}

static int drop(void *context, const char *text, size_t size) {
  (void)context;
  (void)text;
  (void)size;
  return 0;
}

static void check_text(const char *text, size_t size) {
  if (strnlen(text, size) == size)
    abort();
}

static void print(const stats *f) {
  static FILE *nowhere;
  if (!nowhere) {
    nowhere = fopen("/dev/null", "w");
    stdout = nowhere;
  }
  for (int format = ARROWPOOL_FORMAT_TEXT; format <= ARROWPOOL_FORMAT_PROMETHEUS; format++)
    stats_print(f, (arrowpool_format)format);
}

static void add_up(const stats *f) {
  static void (*const formats[])(writer *, const merge_report *) = {
      merge_write_text, merge_write_json, merge_write_jsonl, merge_write_prometheus};
  merge m = {.by = MERGE_POOL | MERGE_PROCESS};
  merge_add(&m, f);
  merge_add(&m, f);
  merge_finish(&m, MERGE_max_memory_sum);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    writer w;
    writer_init(&w, drop, NULL);
    formats[i](&w, &(merge_report){.merge = &m, .files = 1, .top = SIZE_MAX});
    writer_finish(&w);
  }
  merge_clear(&m);
}

void fuzz_use_figures(const stats *f) {
  check_text(f->process.program, sizeof f->process.program);
  check_text(f->process.host, sizeof f->process.host);
  check_text(f->command, sizeof f->command);
  for (size_t i = 0; i < f->pool_count; i++) {
    check_text(f->pools[i].name, sizeof f->pools[i].name);
    check_text(f->pools[i].backend, sizeof f->pools[i].backend);
  }
  print(f);
  add_up(f);
}
