/* Writes the page that `arrowpool serve` publishes: the rows, and figures of the server's own. */
#include "cli/base/memory.h"
#include "cli/serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int serve_page_append(void *context, const char *text, size_t size) {
  serve_page *page = context;
  if (size > page->room - page->size) {
    page->room = page->room * 2 + size + 4096;
    page->text = memory_grow(page->text, page->room, 1);
  }
  memcpy(page->text + page->size, text, size);
  page->size += size;
  return 0;
}

void serve_page_write_tables(serve_page *page, const serve_tables *tables) {
  writer w;
  writer_init(&w, serve_page_append, page);
  serve_rows_write(&tables->processes, &w);
  serve_rows_write(&tables->pools, &w);
  serve_rows_write(&tables->lines, &w);
  writer_finish(&w);
}

static void head(writer *w, const char *name, const char *type, const char *help) {
  report_prometheus_head(w, REPORT_PREFIX, &(report_family){.name = name, .type = type, .help = help});
}

static void sample(writer *w, const char *name, const char *type, const char *help, int64_t value) {
  head(w, name, type, help);
  writer_print(w, REPORT_PREFIX "%s %ld\n", name, value);
}

static void states(writer *w, const serve_files *files) {
  head(w, "processes", "gauge", "Processes that have a live file, by what became of them.");
  for (int state = 0; state < STATS_STATES; state++)
    writer_print(w, REPORT_PREFIX "processes{state=\"%s\"} %ld\n", stats_state_name((stats_state)state),
                 files->states[state]);
}

static void times(writer *w, const serve_files *files) {
  char seconds[32];
  head(w, "serve_reading_seconds", "gauge", "How long the last reading of the live files took.");
  snprintf(seconds, sizeof seconds, "%.6f", (double)files->microseconds / 1e6);
  writer_print(w, REPORT_PREFIX "serve_reading_seconds %s\n", seconds);
  head(w, "serve_snapshot_time_seconds", "gauge", "When the live files were read, since 1970.");
  writer_text(w, REPORT_PREFIX "serve_snapshot_time_seconds ");
  writer_milliseconds(w, files->time);
  writer_text(w, "\n");
}

void serve_page_write_own(serve_page *page, const serve_files *files, const serve_tables *tables,
                          const serve_http_counts *counts) {
  writer w;
  writer_init(&w, serve_page_append, page);
  states(&w, files);
  sample(&w, "serve_files", "gauge", "Live files found.", files->found);
  sample(&w, "serve_damaged_files", "gauge", "Live files that could not be read.", files->damaged);
  sample(&w, "serve_left_out_files", "gauge", "Live files not read, because --most processes are shown.",
         files->left_out);
  sample(&w, "serve_left_out_rows", "gauge",
         "Processes, pools and lines left out, because there are too many.",
         tables->processes.left_out + tables->pools.left_out + tables->lines.left_out);
  sample(&w, "serve_unreadable_directories", "gauge", "Directories that could not be read.",
         files->unreadable_directories);
  sample(&w, "serve_lost_records", "gauge", "Records that found no room on the disk, so sums are too small.",
         files->lost);
  times(&w, files);
  sample(&w, "serve_readings_total", "counter", "Readings of the live files.", files->readings);
  sample(&w, "serve_removed_files_total", "counter", "Live files removed, as --remove-after says.",
         files->removed);
  if (counts) {
    sample(&w, "serve_scrapes_total", "counter", "Requests answered with the page.", counts->scrapes);
    sample(&w, "serve_slow_connections_total", "counter",
           "Connections ended because they took too long, or made room.", counts->slow);
  }
  writer_finish(&w);
}

void serve_page_free(serve_page *page) {
  free(page->text);
  *page = (serve_page){0};
}
