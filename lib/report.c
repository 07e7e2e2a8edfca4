/* See report.h. */
#include "report.h"

bool report_write(arrowpool_format format, report_source source, arrowpool_write_fn write, void *context) {
  static void (*const formats[])(writer *, const snapshot_process *) = {
      [ARROWPOOL_FORMAT_TEXT] = report_text,
      [ARROWPOOL_FORMAT_JSON] = report_json,
      [ARROWPOOL_FORMAT_PROMETHEUS] = report_prometheus,
  };
  writer w;
  snapshot_process process;
  snapshot_read_process(source == REPORT_ASK_JEMALLOC, &process);
  writer_init(&w, write, context);
  formats[format](&w, &process);
  return writer_finish(&w);
}
