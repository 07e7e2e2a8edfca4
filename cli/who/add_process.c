/* Reads the header of a profile, in which a text may fill its place to the last byte. */
#include "cli/who/add_process.h"

#include "base/clock.h"
#include "base/writer.h"
#include "cli/stats/live_process.h"
#include "cli/who/intern.h"

#include <stdio.h>
#include <string.h>

/* Returns a text of the header's, of which the NULs within are spaces. */
static const char *header_text(who_model *m, const char *text, size_t size) {
  char copy[COMMAND_BYTES + 1];
  size = size < sizeof copy ? size : sizeof copy - 1;
  memcpy(copy, text, size);
  while (size && !copy[size - 1])
    size--;
  for (size_t i = 0; i < size; i++)
    if (!copy[i])
      copy[i] = ' ';
  copy[size] = 0;
  writer_make_printable(copy);
  return who_intern_text(m, copy);
}

/* Has the state judged as a live file's is. */
static stats_state state_of(const profile_header *h) {
  static const live_state states[] = {
      [PROFILE_RUNNING] = LIVE_RUNNING, [PROFILE_ENDED] = LIVE_ENDED, [PROFILE_REPLACED] = LIVE_REPLACED};
  uint32_t state = h->state;
  live_header live = {
      .pid = h->pid, .start_ticks = h->start_ticks, .pid_namespace = h->pid_namespace, .owner = h->owner};
  atomic_init(&live.state, state <= PROFILE_REPLACED ? states[state] : LIVE_RUNNING);
  return live_process_state(&live);
}

/* Returns when it ended, or now, or when it was last seen: for which a file that is of before there were
 * signs of life has the time of its peak, or when it began. */
static int64_t time_of(const profile_header *h, bool now) {
  int64_t ended = profile_file_clamp(h->end_time), start = profile_file_clamp(h->start_time);
  int64_t time = ended ? ended : now ? clock_since_epoch() : profile_file_clamp(h->seen_time);
  time = time ? time : profile_file_clamp(h->peak_time);
  return time > start ? time : start;
}

who_process who_read_process(who_model *m, const profile_file *f, const char *path, bool minus) {
  const profile_header *h = &f->header;
  char printable[WHO_LONGEST_TEXT];
  stats_state state = state_of(h);
  snprintf(printable, sizeof printable, "%s", path);
  writer_make_printable(printable);
  return (who_process){
      .path = who_intern_text(m, printable),
      .program = header_text(m, h->owner.program, strnlen(h->owner.program, sizeof h->owner.program)),
      .host = header_text(m, h->owner.host, strnlen(h->owner.host, sizeof h->owner.host)),
      .command = header_text(m, h->owner.command, sizeof h->owner.command),
      .library = header_text(m, h->owner.library, strnlen(h->owner.library, sizeof h->owner.library)),
      .python_version =
          header_text(m, h->python_version, strnlen(h->python_version, sizeof h->python_version)),
      .boot = header_text(m, h->owner.boot, strnlen(h->owner.boot, sizeof h->owner.boot)),
      .pid = h->pid,
      .parent = profile_file_clamp(h->parent),
      .start_ticks = h->start_ticks,
      .state = state,
      .start_time = profile_file_clamp(h->start_time),
      .time = time_of(h, state == STATS_RUNNING && !minus),
      .minus = minus,
      .peak_time = f->peak_whole ? profile_file_clamp(h->peak_time) : 0,
      .mean = profile_file_clamp(h->mean),
      .mean_now = profile_file_clamp(h->mean_now),
      .python = h->python <= PROFILE_PYTHON_OFF ? (profile_python)h->python : PROFILE_PYTHON_UNKNOWN,
      .presence = h->presence,
      .tasks = h->tasks != 0,
      .samples = profile_file_clamp(h->samples),
      .lost_records = profile_file_clamp(h->lost_records),
      .lost_stacks = profile_file_clamp(h->lost_stacks),
      .failed_walks = profile_file_clamp(h->failed_walks),
      .tasks_given = profile_file_clamp(h->tasks_given),
      .tasks_told = profile_file_clamp(h->tasks_told)};
}
