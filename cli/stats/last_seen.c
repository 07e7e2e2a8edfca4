/* Writes the lines on a process that is gone. */
#include "cli/stats/last_seen.h"

#include <time.h>

static void write_moment(writer *w, int64_t milliseconds) {
  char text[32];
  time_t seconds = (time_t)(milliseconds / 1000);
  struct tm parts;
  if (milliseconds == ARROWPOOL_UNKNOWN)
    writer_text(w, "nobody knows when it was last seen");
  else if (gmtime_r(&seconds, &parts) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts))
    writer_print(w, "last seen %s", text);
}

static int64_t live_bytes(const stats *f) {
  int64_t live = ARROWPOOL_UNKNOWN;
  for (size_t i = 0; i < f->pool_count; i++)
    live = stats_sum_known(live, f->pools[i].stats.bytes_allocated);
  return live;
}

static void write_memory(writer *w, const stats *f) {
  const snapshot_process *p = &f->process;
  int64_t live = live_bytes(f);
  if (p->rss_bytes != ARROWPOOL_UNKNOWN)
    writer_print(w, ", resident %s", SIZE_TEXT(p->rss_bytes));
  if (p->rss_bytes != ARROWPOOL_UNKNOWN && p->group_limit_bytes != ARROWPOOL_UNKNOWN)
    writer_print(w, " (%s without mapped files, of %s allowed)", SIZE_TEXT(f->anonymous_bytes),
                 SIZE_TEXT(p->group_limit_bytes));
  if (live != ARROWPOOL_UNKNOWN)
    writer_print(w, ", %s live in these pools", SIZE_TEXT(live));
}

static void write_kills(writer *w, const stats *f) {
  const char *where = f->kills_of_machine ? "on its machine" : "in its control group";
  if (f->kills_since == ARROWPOOL_UNKNOWN)
    writer_text(
        w, "whether the kernel killed it for lack of memory cannot be told: what counts that is gone, or "
           "is not to be seen from here\n");
  else if (f->kills_since == 0)
    writer_print(w, "not for lack of memory: the kernel has killed nothing %s for it since then\n", where);
  else
    writer_print(w, "out of memory: the kernel has killed %ld process%s %s for lack of it since then\n",
                 f->kills_since, f->kills_since == 1 ? "" : "es", where);
}

void last_seen_write(writer *w, const stats *f) {
  if (f->state != STATS_GONE)
    return;
  write_moment(w, f->process.time);
  write_memory(w, f);
  writer_text(w, "\n");
  write_kills(w, f);
}
