/* A loop that takes, writes and gives back one buffer: what a program does that reads batch after batch. What
 * stays resident afterwards is the price of being fast here, so it is measured too. Called by one thread. */
#include "cases.h"
#include "measure.h"

#include <string.h>
#include <time.h>

#define SETTLE_SECONDS 2
#define LARGE          ((size_t)70000) /* bytes: not a small buffer to any of the allocators */

bool reuse_settle;

bool reuse_run(const bench_case *self, const allocator *a) {
  bool right = true;
  cases_start(a);
  double base = measure_mib("VmHWM");

  int64_t start = measure_now();
  for (unsigned round = 0; round < self->rounds; round++) {
    char *buffer = cases_allocate(a, self->to);
    memset(buffer, (int)round, self->to);
    right = buffer[0] == (char)round && buffer[self->to - 1] == (char)round && right;
    a->release(buffer, self->to);
  }
  int64_t total = measure_now() - start;

  double peak = measure_mib("VmHWM");
  measure_record("total_ms", (double)total / 1e6);
  measure_record("us_per_cycle", (double)total / 1e3 / self->rounds);
  measure_record("peak_mib", peak);
  measure_record("peak_over_base_mib", peak - base);
  measure_record("base_mib", base);
  measure_record("rss_end_mib", measure_mib("VmRSS"));
  if (reuse_settle) {
    nanosleep(&(struct timespec){.tv_sec = SETTLE_SECONDS}, NULL);
    measure_record("rss_later_mib", measure_mib("VmRSS"));
    /* Some allocators look at the clock only when they are called. */
    char *buffer = cases_allocate(a, LARGE);
    a->release(buffer, LARGE);
    measure_record("rss_called_mib", measure_mib("VmRSS"));
  }
  return right;
}
