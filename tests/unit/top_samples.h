/* Processes that are made up, for the tests of `arrowpool top`. */
#ifndef ARROWPOOL_TESTS_TOP_SAMPLES_H
#define ARROWPOOL_TESTS_TOP_SAMPLES_H

#include "cli/top/cells.h"

#include <stdio.h>
#include <string.h>

/* A process with one pool, at first sight two seconds old. */
typedef struct sample {
  const char *file, *program, *pool, *name, *command;
  int64_t limit;
  int64_t pid, live, allocations, copied, bytes_copied, resident;
  stats_state state;
} sample;

static pool_view pool_of(const sample *s) {
  pool_view p = {.stats = {.bytes_allocated = s->live,
                           .max_memory = s->live,
                           .limit_bytes = ARROWPOOL_UNKNOWN,
                           .num_allocations = s->allocations,
                           .reallocs_copied = s->copied,
                           .bytes_copied = s->bytes_copied}};
  snprintf(p.name, sizeof p.name, "%s", s->pool ? s->pool : "libc");
  return p;
}

static void add(top_model *m, const sample *s, int64_t now) {
  pool_view pool = pool_of(s);
  stats f = {.state = s->state,
             .process = {.pid = s->pid,
                         .rss_bytes = s->resident,
                         .limit_bytes = s->limit ? s->limit : ARROWPOOL_UNKNOWN,
                         .start_time = 1000,
                         .time = 3000},
             .pools = &pool,
             .pool_count = 1};
  snprintf(f.process.program, sizeof f.process.program, "%s", s->program ? s->program : "python3");
  snprintf(f.process.job_name, sizeof f.process.job_name, "%s", s->name ? s->name : "");
  snprintf(f.command, sizeof f.command, "%s", s->command ? s->command : "");
  top_model_add(m, s->file, &f, now);
}

static inline void refresh(top_model *m, const sample *samples, size_t count, int64_t now) {
  top_model_begin(m);
  for (size_t i = 0; i < count; i++)
    add(m, &samples[i], now);
  top_model_end(m);
  top_model_arrange(m);
}

/* The files of the lines, in a row: "a b b/libc". */
static inline const char *lines(const top_model *m) {
  static char text[256];
  size_t length = 0;
  text[0] = 0;
  for (size_t i = 0; i < m->line_count; i++) {
    const top_line *l = &m->lines[i];
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%s%s%s", i ? " " : "",
                               l->process->file, l->pool ? "/" : "", l->pool ? l->pool->name : "");
  }
  return text;
}

#endif
