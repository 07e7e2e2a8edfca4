/* See measure.h. */
#include "measure.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIGURES 32

static struct {
  const char *name;
  double value;
} stats[FIGURES];
static unsigned count;

int64_t measure_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Without stdio: a FILE would be allocated by the allocator that is measured, if that is libc's. */
double measure_mib(const char *field) {
  char text[8192];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0)
    return 0;
  text[size] = 0;
  size_t length = strlen(field);
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (!strncmp(line, field, length) && line[length] == ':')
      return (double)atol(line + length + 1) / 1024;
  }
  return 0;
}

void measure_reset_peak(void) {
  int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return;
  if (write(file, "5", 1) != 1)
    fputs("bench: the peak of RSS cannot be reset here; it includes the start of the process\n", stderr);
  close(file);
}

void measure_record(const char *name, double value) {
  if (count == FIGURES)
    abort();
  stats[count].name = name;
  stats[count++].value = value;
}

void measure_print(const char *allocator, const char *name, bool verified) {
  printf("{\"allocator\":\"%s\",\"case\":\"%s\"", allocator, name);
  for (unsigned i = 0; i < count; i++)
    printf(",\"%s\":%.4f", stats[i].name, stats[i].value);
  printf(",\"verified\":%s}\n", verified ? "true" : "false");
}

void measure_keep_to_processor(pthread_t thread, unsigned number) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all))
    return;
  unsigned cpu = 0, skip = number % (unsigned)CPU_COUNT(&all);
  while (!CPU_ISSET(cpu, &all) || skip--)
    cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  pthread_setaffinity_np(thread, sizeof one, &one);
}
