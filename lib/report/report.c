/* Chooses the format of a report on this process, and feeds it the pools. */
#include "report/report.h"

#include "pool/pool.h"

static const pool_view *next_of_ours(void *context, unsigned *index) {
  pool_view *pool = context;
  while (*index < POOL_COUNT)
    if (pool_view_at((*index)++, pool))
      return pool;
  return NULL;
}

bool report_write(arrowpool_format format, report_source source, report_room *room, arrowpool_write_fn write,
                  void *context) {
  counters_look_for_end();
  snapshot_read_process(source == REPORT_ASK_JEMALLOC, &room->process);
  writer_init(&room->writer, write, context);
  report_write_as(format, &room->writer, &(report_subject){&room->process, next_of_ours, &room->pool});
  return writer_finish(&room->writer);
}
