/* Writes the table for people: two lines about the processes and the sum, a line for each row with the native
 * functions below, and what has to be said of how much is missing. */
#include "base/writer.h"
#include "cli/who/aggregate.h"
#include "cli/who/notes.h"
#include "cli/who/who.h"

#include <string.h>
#include <time.h>

#define MIB (1024.0 * 1024)

static const char *in_time(char out[32], int64_t milliseconds) {
  time_t seconds = (time_t)(milliseconds / 1000);
  struct tm parts;
  if (!gmtime_r(&seconds, &parts) || !strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &parts))
    strcpy(out, "?");
  return out;
}

static const char *in_age(char out[32], int64_t milliseconds) {
  static const struct {
    int64_t milliseconds;
    const char *unit;
  } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
  size_t i = 0;
  while (i < 3 && milliseconds < 2 * units[i].milliseconds)
    i++;
  snprintf(out, 32, "%lld %s", (long long)(milliseconds / units[i].milliseconds), units[i].unit);
  return out;
}

/* ---- what it is about ---- */

static void write_one_process(FILE *out, const who_process *p) {
  fprintf(out, "%s, pid %lld on %s, %s%s%s\n", *p->program ? p->program : "?", (long long)p->pid,
          *p->host ? p->host : "?", stats_state_name(p->state), *p->command ? ": " : "", p->command);
}

static void write_processes(FILE *out, const who_model *m) {
  size_t count = 0, states[STATS_STATES] = {0};
  for (size_t i = 0; i < m->process_count; i++)
    if (!m->processes[i].minus) {
      count++;
      states[m->processes[i].state]++;
    }
  if (count == 1) {
    write_one_process(out, &m->processes[0]);
  } else {
    fprintf(out, "%zu processes", count);
    for (int state = 0; state < STATS_STATES; state++)
      fprintf(out, "%s%zu %s", state ? ", " : " (", states[state], stats_state_name((stats_state)state));
    fputs(")\n", out);
  }
  for (size_t i = 0; i < m->process_count; i++)
    if (m->processes[i].minus) {
      char time[32];
      fprintf(out, "less what %s had at %s\n", m->processes[i].path, in_time(time, m->processes[i].time));
    }
}

static void write_mean(FILE *out, const who_model *m) {
  int64_t least = INT64_MAX, most = 0;
  for (size_t i = 0; i < m->process_count; i++) {
    const who_process *p = &m->processes[i];
    least = p->mean < least ? p->mean : least;
    most = p->mean > most ? p->mean : most;
    most = p->mean_now > most ? p->mean_now : most;
  }
  fprintf(out, ", one in %s", SIZE_TEXT(least));
  if (most > least)
    fprintf(out, " to %s", SIZE_TEXT(most));
}

/* For %.1f: what a difference leaves may be a little less than nothing, which has no sign. */
static double signed_tenths(double value) { return value > -0.05 && value <= 0 ? 0 : value; }

static double in_mib(double bytes) { return signed_tenths(bytes / MIB); }

static double in_percent(double bytes, double whole) {
  return whole > 0 ? signed_tenths(100 * bytes / whole) : 0;
}

static void write_sum(FILE *out, const who_model *m) {
  static const char *const told[] = {
      [WHO_LIVE] = "live", [WHO_TOTAL] = "allocated at all", [WHO_PEAK] = "live when most were"};
  const who_amount *sum = &m->sums[m->what];
  char time[32];
  fprintf(out, "%.1f MiB %s", in_mib(sum->bytes), told[m->what]);
  if (m->what == WHO_PEAK && m->process_count == 1 && m->processes[0].peak_time)
    fprintf(out, ", at %s", in_time(time, m->processes[0].peak_time));
  if (m->older_than)
    fprintf(out, " for %s and longer", in_age(time, m->older_than));
  fprintf(out, ", as estimated (standard error %.0f%%) from %lld samples", 100 * who_error(sum),
          (long long)who_whole(sum->samples));
  write_mean(out, m);
  fputs("\n", out);
}

/* ---- the table ---- */

static void write_row(FILE *out, const who_model *m, const who_table *t, const who_row *row) {
  char label[WHO_LABEL_BYTES], age[32] = "", largest[24] = "";
  const char *remark = who_row_remark(m, row);
  if (row->largest) {
    in_age(age, row->oldest);
    writer_format_size(largest, (int64_t)row->largest);
  }
  fprintf(out, "        %5.1f%% %10.1f %9lld %8lld %6.0f%%", in_percent(row->amount.bytes, t->whole),
          in_mib(row->amount.bytes), (long long)who_whole(row->amount.buffers),
          (long long)who_whole(row->amount.samples), 100 * who_error(&row->amount));
  if (m->what == WHO_LIVE)
    fprintf(out, " %8s %11s", age, largest);
  fprintf(out, "  %s%s%s\n", who_row_label(m, row, label), *remark ? "  " : "", remark);
  for (size_t i = 0; i < WHO_LEAVES && m->by != WHO_BY_NATIVE && row->leaves[i].name; i++)
    fprintf(out, "%*s%3.0f%% in %s\n", m->what == WHO_LIVE ? 76 : 55, "", 100 * row->leaves[i].share,
            row->leaves[i].name);
}

static void write_rest(FILE *out, const who_model *m, const who_table *t) {
  if (t->rest_count)
    fprintf(out, "        %5.1f%% %10.1f %9lld %8lld %6.0f%%%*s  %zu more, each of less than %g%%\n",
            in_percent(t->rest.bytes, t->whole), in_mib(t->rest.bytes), (long long)who_whole(t->rest.buffers),
            (long long)who_whole(t->rest.samples), 100 * who_error(&t->rest), m->what == WHO_LIVE ? 21 : 0,
            "", t->rest_count, 100 * m->at_least);
}

void who_write_text(FILE *out, const who_model *m) {
  who_table t;
  who_aggregate(m, &t);
  write_processes(out, m);
  write_sum(out, m);
  if (t.count + t.rest_count) {
    fprintf(out, "%-7s %6s %10s %9s %8s %7s", who_what_names[m->what], "share", "MiB", "buffers", "samples",
            "error");
    if (m->what == WHO_LIVE)
      fprintf(out, " %8s %11s", "oldest", "largest");
    fputs("  who\n", out);
  }
  for (size_t i = 0; i < t.count; i++)
    write_row(out, m, &t, &t.rows[i]);
  write_rest(out, m, &t);
  who_write_notes(out, m);
  who_table_free(&t);
}
