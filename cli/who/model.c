/* What the model is asked for, and its end. */
#include "cli/who/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const who_what_names[WHO_WHATS] = {"live", "total", "peak"};
const char *const who_by_names[WHO_BYS] = {"line", "function", "native", "pool", "thread"};

double who_error(const who_amount *amount) {
  bool some =
      fabs(amount->bytes) >= 0.5 && amount->variance > 0; /* else it is what rounding left of a difference */
  return some ? sqrt(amount->variance) / fabs(amount->bytes) : 0;
}

void who_amount_add(who_amount *sum, const who_amount *more) {
  sum->bytes += more->bytes;
  sum->buffers += more->buffers;
  sum->samples += more->samples;
  sum->variance += more->variance;
}

/* A sample that is taken by the chance of 1/w adds s^2 w (w - 1) to the variance of the bytes. */
who_amount who_amount_of_record(const who_record *r) {
  double size = (double)r->size, weight = fabs(r->weight);
  return (who_amount){size * r->weight, r->weight, 1, size * size * weight * (weight - 1)};
}

int64_t who_whole(double number) {
  return number >= 0x1p63 ? INT64_MAX : number <= -0x1p63 ? INT64_MIN : (int64_t)llround(number);
}

bool who_same_process(const who_process *a, const who_process *b) {
  return a->pid == b->pid && a->start_ticks == b->start_ticks && a->start_time == b->start_time &&
         strcmp(a->host, b->host) == 0 && strcmp(a->boot, b->boot) == 0;
}

const who_frame *who_line_of(const who_model *m, const who_stack *s) {
  for (uint32_t i = 0; i < s->python_count; i++)
    if (!who_frame_of(m, s, i)->library)
      return who_frame_of(m, s, i);
  return s->python_count ? who_frame_of(m, s, 0) : NULL;
}

void who_free(who_model *m) {
  for (size_t i = 0; i < m->stacks.count; i++)
    free(who_stack_at(m, i)->words);
  for (size_t i = 0; i < m->texts.count; i++)
    free(((char **)m->texts.entries)[i]);
  hash_index_free(&m->texts);
  hash_index_free(&m->frames);
  hash_index_free(&m->modules);
  hash_index_free(&m->natives);
  hash_index_free(&m->stacks);
  hash_index_free(&m->threads);
  free(m->processes);
  free(m->records);
  *m = (who_model){0};
}
