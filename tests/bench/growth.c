/* Measures one case with one allocator and prints its figures as one line of JSON.
 *
 *     bench_growth ALLOCATOR CASE [settle]     settle: look at RSS again, 2 s after a reuse loop
 *     bench_growth list                        the names of both
 *
 * A process measures once: what one allocator leaves behind must not serve the next. Exit status 77: the
 * allocator is not installed, or the case is not for it. */
#include "cases.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

enum { EXIT_SKIPPED = 77 };

static const bench_case cases[] = {
    {"doubling", growth_run, 64 * KIB, 1024 * MIB, 0, 1, 0},
    {"interleaved-doubling", growth_run, 64 * KIB, 64 * MIB, 0, 16, 0},
    {"steps-1m", growth_run, MIB, 128 * MIB, MIB, 1, 0},
    {"interleaved-steps-1m", growth_run, MIB, 32 * MIB, MIB, 16, 0},
    {"steps-64k", growth_run, 64 * KIB, 16 * MIB, 64 * KIB, 1, 0},
    {"reuse-64m", reuse_run, 0, 64 * MIB, 0, 1, 30},
    {"reuse-1m", reuse_run, 0, MIB, 0, 1, 2000},
    {"trim", trim_run, 64 * MIB, 256 * MIB, 0, 1, 0},
    {"churn-1", churn_run, 0, 0, 0, 1, 0},
    {"churn-2", churn_run, 0, 0, 0, 2, 0},
    {"many", many_run, 0, 80 * KIB, 0, 8000, 0},
};
static const unsigned cases_count = sizeof cases / sizeof *cases;

void *cases_allocate(const allocator *a, size_t size) {
  void *buffer = a->allocate(size);
  if (!buffer) {
    fprintf(stderr, "bench: %s refused %zu bytes\n", a->name, size);
    exit(1);
  }
  return buffer;
}

void cases_start(const allocator *a) {
  const size_t sizes[] = {100, MIB};
  for (unsigned i = 0; i < 2 && !a->prepare; i++)
    a->release(cases_allocate(a, sizes[i]), sizes[i]);
  measure_reset_peak();
}

static const bench_case *find_case(const char *name) {
  for (unsigned i = 0; i < cases_count; i++)
    if (!strcmp(cases[i].name, name))
      return &cases[i];
  return NULL;
}

/* Start again with the variables that the allocator, or the loader, reads before main. */
static void set_environment(const allocator *a, char **argv) {
  bool changed = false;
  for (unsigned i = 0; i < 2 && a->environment[i][0]; i++) {
    const char *now = getenv(a->environment[i][0]);
    if (!now || strcmp(now, a->environment[i][1])) {
      setenv(a->environment[i][0], a->environment[i][1], 1);
      changed = true;
    }
  }
  if (changed) {
    execv("/proc/self/exe", argv);
    perror("bench: cannot start again");
    exit(1);
  }
}

static void list(void) {
  for (unsigned i = 0; i < allocators_count; i++)
    printf("allocator %s\n", allocators[i].name);
  for (unsigned i = 0; i < cases_count; i++)
    printf("case %s\n", cases[i].name);
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "list")) {
    list();
    return 0;
  }
  const allocator *a = argc >= 3 ? allocators_find(argv[1]) : NULL;
  const bench_case *c = argc >= 3 ? find_case(argv[2]) : NULL;
  reuse_settle = argc == 4 && !strcmp(argv[3], "settle");
  if (!a || !c || argc > 4 || (argc == 4 && !reuse_settle)) {
    fputs("usage: bench_growth ALLOCATOR CASE [settle], or bench_growth list for the names\n", stderr);
    return 2;
  }
  set_environment(a, argv);
  if (!allocators_open(a))
    return EXIT_SKIPPED;
  if (a->prepare && (c->run == churn_run || c->run == many_run || !a->prepare(c->to, c->buffers))) {
    fprintf(stderr, "bench: %s does not apply to %s\n", a->name, c->name);
    return EXIT_SKIPPED;
  }
  bool verified = c->run(c, a);
  measure_print(a->name, c->name, verified);
  return verified ? 0 : 1;
}
