/* Buffers that grow step by step, and one that shrinks and grows again. All buffers of a case take their step
 * in turn, as the columns of a table do that is built row by row. Called by one thread. */
#include "cases.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#define BUFFERS_MAX 16
#define MIB         ((size_t)1 << 20)

typedef struct tally {
  int64_t inside; /* ns spent in reallocate */
  unsigned calls, same;
} tally;

static char *resize(const allocator *a, char *buffer, size_t old_size, size_t new_size, tally *t) {
  uintptr_t before = (uintptr_t)buffer;
  int64_t start = measure_now();
  char *moved = a->reallocate(buffer, old_size, new_size);
  t->inside += measure_now() - start;
  t->calls++;
  t->same += (uintptr_t)moved == before;
  if (!moved) {
    fprintf(stderr, "bench: %s refused %zu bytes\n", a->name, new_size);
    exit(1);
  }
  return moved;
}

bool growth_run(const bench_case *self, const allocator *a) {
  char *buffers[BUFFERS_MAX];
  tally t = {0};
  cases_start(a);
  double base = measure_mib("VmHWM");

  int64_t start = measure_now();
  for (unsigned i = 0; i < self->buffers; i++) {
    buffers[i] = cases_allocate(a, self->from);
    pattern_write(buffers[i], 0, self->from, i);
  }
  for (size_t size = self->from, grown; size < self->to; size = grown) {
    grown = self->step ? size + self->step : 2 * size;
    for (unsigned i = 0; i < self->buffers; i++) {
      buffers[i] = resize(a, buffers[i], size, grown, &t);
      pattern_write(buffers[i], size, grown, i);
    }
  }
  int64_t total = measure_now() - start;

  double peak = measure_mib("VmHWM");
  measure_record("total_ms", (double)total / 1e6);
  measure_record("re_ms", (double)t.inside / 1e6);
  measure_record("calls", t.calls);
  measure_record("ns_per_call", (double)t.inside / t.calls);
  measure_record("same_percent", 100.0 * t.same / t.calls);
  measure_record("live_mib", (double)(self->to / MIB) * self->buffers);
  measure_record("peak_mib", peak);
  measure_record("peak_over_base_mib", peak - base);
  measure_record("rss_end_mib", measure_mib("VmRSS"));

  bool right = true;
  for (unsigned i = 0; i < self->buffers; i++)
    right = pattern_check(buffers[i], self->to, i) && right;
  start = measure_now();
  for (unsigned i = 0; i < self->buffers; i++)
    a->release(buffers[i], self->to);
  measure_record("free_ms", (double)(measure_now() - start) / 1e6);
  return right;
}

bool trim_run(const bench_case *self, const allocator *a) {
  tally shrink = {0}, regrow = {0};
  cases_start(a);
  double base = measure_mib("VmHWM");
  char *buffer = cases_allocate(a, self->to);
  pattern_write(buffer, 0, self->to, 0);

  int64_t start = measure_now();
  buffer = resize(a, buffer, self->to, self->from, &shrink);
  int64_t total = measure_now() - start;
  double trimmed = measure_mib("VmRSS");
  bool right = pattern_check(buffer, self->from, 0);
  start = measure_now();
  buffer = resize(a, buffer, self->from, self->to, &regrow);
  pattern_write(buffer, self->from, self->to, 0);
  total += measure_now() - start;

  double peak = measure_mib("VmHWM");
  measure_record("total_ms", (double)total / 1e6);
  measure_record("re_ms", (double)(shrink.inside + regrow.inside) / 1e6);
  measure_record("calls", 2);
  measure_record("shrink_us", (double)shrink.inside / 1e3);
  measure_record("regrow_us", (double)regrow.inside / 1e3);
  measure_record("same_percent", 50.0 * (shrink.same + regrow.same));
  measure_record("peak_mib", peak);
  measure_record("peak_over_base_mib", peak - base);
  measure_record("rss_trimmed_mib", trimmed - base);
  measure_record("rss_end_mib", measure_mib("VmRSS"));
  right = pattern_check(buffer, self->to, 0) && right;
  a->release(buffer, self->to);
  return right;
}
