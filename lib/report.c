/* See report.h. */
#include "report.h"

static bool next_of_ours(void *context, unsigned *index, snapshot_pool *out) {
  (void)context;
  return snapshot_next_pool(index, out);
}

bool report_write(arrowpool_format format, report_source source, arrowpool_write_fn write, void *context) {
  static void (*const formats[])(writer *, const report_subject *) = {
      [ARROWPOOL_FORMAT_TEXT] = report_text,
      [ARROWPOOL_FORMAT_JSON] = report_json,
      [ARROWPOOL_FORMAT_PROMETHEUS] = report_prometheus,
  };
  writer w;
  snapshot_process process;
  snapshot_read_process(source == REPORT_ASK_JEMALLOC, &process);
  writer_init(&w, write, context);
  formats[format](&w, &(report_subject){&process, next_of_ours, NULL});
  return writer_finish(&w);
}
