/* Clock, memory figures of this process, and the one line of JSON that a benchmark program prints.
 *
 * Figures are recorded by name while a case runs and printed at its end, so that printing is never inside a
 * measured interval. Called by the main thread only, except measure_now. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Monotonic time (ns). */
int64_t measure_now(void);

/* A field of /proc/self/status such as "VmRSS" (MiB); 0 if the kernel does not tell it. */
double measure_mib(const char *field);

/* Let VmHWM start again from what is resident now. */
void measure_reset_peak(void);

/* Give each thread a processor of its own, as far as there are enough: what is measured is over before the
 * kernel has spread threads by itself. */
void measure_keep_to_processor(pthread_t thread, unsigned number);

/* Note a figure for the line. `name` must outlive the print. */
void measure_record(const char *name, double value);

/* Print {"allocator":..., "case":..., the recorded figures, "verified":...}. */
void measure_print(const char *allocator, const char *name, bool verified);

#endif
