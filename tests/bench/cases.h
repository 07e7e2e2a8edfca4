/* The measured cases. Each runs once in a process of its own, records its figures (measure.h) and says
 * whether the contents of its buffers were right. Clocks start after the allocator was used once, so that its
 * own start is not counted, and stop before contents are verified. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "allocators.h"

typedef struct bench_case {
  const char *name;
  bool (*run)(const struct bench_case *self, const allocator *a);
  size_t from, to, step; /* bytes; a step of 0 doubles */
  unsigned buffers;      /* handled in turn; of churn: threads */
  unsigned rounds;       /* of the reuse loops */
} bench_case;

/* Buffers grow in steps; every new byte is written. */
bool growth_run(const bench_case *self, const allocator *a);

/* A buffer is taken, written and given back, again and again; RSS at the end, and 2 s later with `settle`. */
bool reuse_run(const bench_case *self, const allocator *a);
extern bool reuse_settle;

/* A buffer gives most of itself back and grows again. */
bool trim_run(const bench_case *self, const allocator *a);

/* Threads replace random ones among their live small buffers. */
bool churn_run(const bench_case *self, const allocator *a);

/* Many buffers of the same, moderate size live at once: what they cost besides their bytes. */
bool many_run(const bench_case *self, const allocator *a);

/* pattern.c: fill bytes from..to of a buffer, stamped with its number and the offset; look at them again. */
void pattern_write(char *buffer, size_t from, size_t to, unsigned number);
bool pattern_check(const char *buffer, size_t size, unsigned number);

/* Use the allocator once; end the process if a buffer cannot be had. */
void cases_start(const allocator *a);
void *cases_allocate(const allocator *a, size_t size);

#endif
