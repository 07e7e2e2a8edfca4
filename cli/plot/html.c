/* Writes time series as a page, in one file that needs nothing else: charts of each process, side by side,
 * with zoom.
 *
 * uPlot draws them (page/uPlot.*: version 1.6.32, as it is published, with its licence): it is the smallest
 * library that draws thousands of points and zooms. Sums are written as growth per second. */
#include "cli/base/page.h"
#include "cli/plot/series.h"

extern const char *const plot_page[PAGE_PARTS]; /* made of the files in page/ */

typedef struct drawn {
  const series_set *set;
  const char *title;
} drawn;

static void number(writer *w, const char *separator, int64_t value) {
  if (value == ARROWPOOL_UNKNOWN)
    writer_print(w, "%snull", separator);
  else
    writer_print(w, "%s%ld", separator, value);
}

static void write_field(writer *w, const series *s, series_field field) {
  for (size_t i = 0; i < s->count; i++) {
    double rate = series_is_rate(field) ? series_rate(s, i, field) : 0;
    int64_t value = !series_is_rate(field) ? s->points[i].values[field]
                    : rate < 0             ? ARROWPOOL_UNKNOWN
                                           : (int64_t)rate;
    number(w, i ? "," : "", value);
  }
}

static void write_pools(writer *w, const series *s) {
  bool first = true;
  writer_text(w, ",\"pools\":[");
  for (size_t i = 0; i < s->pool_count; i++) {
    page_separate(w, &first);
    writer_text(w, "{\"name\":");
    writer_json_string(w, s->pools[i].name);
    writer_text(w, ",\"live\":[");
    for (size_t k = 0; k < s->count; k++)
      number(w, k ? "," : "", s->pools[i].live[k]);
    writer_text(w, "]}");
  }
  writer_text(w, "]");
}

static void write_process(writer *w, const series *s) {
  static const char *const names[] = {
#define X(name) #name,
      SERIES_FIELDS(X)
#undef X
  };
  const snapshot_process *p = &s->process;
  const struct {
    const char *name, *text;
  } texts[] = {{"program", p->program}, {"host", p->host}, {"name", p->job_name}};
  writer_print(w, "{\"pid\":%ld,\"start\":%ld", p->pid, p->start_time);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    writer_print(w, ",\"%s\":", texts[i].name);
    writer_json_string(w, texts[i].text);
  }
  writer_text(w, ",\n\"time\":[");
  for (size_t i = 0; i < s->count; i++)
    number(w, i ? "," : "", s->points[i].time);
  writer_text(w, "]");
  for (series_field field = 0; field < SERIES_FIELD_COUNT; field++) {
    writer_print(w, ",\n\"%s\":[", names[field]);
    write_field(w, s, field);
    writer_text(w, "]");
  }
  write_pools(w, s);
  writer_text(w, "}");
}

static void write_title(writer *w, const void *context) { writer_text(w, ((const drawn *)context)->title); }

static void write_data(writer *w, const void *context) {
  const series_set *set = ((const drawn *)context)->set;
  bool first = true;
  writer_text(w, "{\"version\":\"" ARROWPOOL_VERSION "\",\"pool\":");
  writer_json_string(w, set->pool ? set->pool : "");
  writer_text(w, ",\"processes\":[");
  for (size_t i = 0; i < set->count; i++) {
    page_separate(w, &first);
    write_process(w, &set->items[i]);
  }
  writer_text(w, "]}");
}

void series_write_page(const series_set *set, const char *title, FILE *out) {
  page_write(out, plot_page, write_title, write_data, &(drawn){set, title});
}
