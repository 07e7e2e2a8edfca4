/* See serve_rows.h. */
#include "cli/serve/rows.h"

#include "cli/stats/processes.h"

#include <stdlib.h>
#include <string.h>

static uint32_t *find(const serve_rows *r, const char *labels) {
  uint64_t hash = processes_hash(PROCESSES_HASH, labels, strlen(labels));
  size_t i = (hash ^ hash >> 32) & (r->slot_count - 1);
  while (r->slots[i] && strcmp(r->rows[r->slots[i] - 1].labels, labels) != 0)
    i = (i + 1) & (r->slot_count - 1);
  return &r->slots[i];
}

static void make_room(serve_rows *r) {
  if (r->count < r->room)
    return;
  r->room = r->room ? r->room * 2 : 64;
  r->rows = processes_grow(r->rows, r->room, sizeof *r->rows);
  r->slot_count = r->room * 2;
  r->slots = processes_grow(r->slots, r->slot_count, sizeof *r->slots);
  memset(r->slots, 0, r->slot_count * sizeof *r->slots);
  for (size_t i = 0; i < r->count; i++)
    *find(r, r->rows[i].labels) = (uint32_t)i + 1;
}

/* The row of these labels, a new one if there is none; NULL: there are too many. */
static serve_row *row_of(serve_rows *r, const char *labels) {
  make_room(r);
  uint32_t *slot = find(r, labels);
  if (*slot)
    return &r->rows[*slot - 1];
  if (r->count == SERVE_MOST_ROWS) {
    r->left_out++;
    return NULL;
  }
  serve_row *row = &r->rows[r->count++];
  size_t size = strlen(labels) + 1;
  row->labels = memcpy(processes_grow(NULL, size, 1), labels, size);
  for (size_t i = 0; i < SERVE_ROW_VALUES; i++)
    row->values[i] = ARROWPOOL_UNKNOWN;
  *slot = (uint32_t)r->count;
  return row;
}

void serve_rows_add(serve_rows *r, const char *labels, const int64_t *values) {
  serve_row *row = row_of(r, labels);
  for (size_t i = 0; row && i < r->family_count; i++) {
    int64_t *sum = &row->values[i];
    if (*sum == ARROWPOOL_UNKNOWN)
      *sum = values[i];
    else if (values[i] != ARROWPOOL_UNKNOWN && __builtin_add_overflow(*sum, values[i], sum))
      *sum = INT64_MAX;
  }
}

void serve_rows_add_all(serve_rows *r, const serve_rows *from) {
  for (size_t i = 0; i < from->count; i++)
    serve_rows_add(r, from->rows[i].labels, from->rows[i].values);
  r->left_out += from->left_out;
}

void serve_rows_write(const serve_rows *r, writer *w) {
  for (size_t f = 0; f < r->family_count; f++) {
    const report_family *family = &r->families[f];
    bool any = false;
    for (size_t i = 0; i < r->count; i++) {
      int64_t value = r->rows[i].values[f];
      if (value == ARROWPOOL_UNKNOWN)
        continue;
      if (!any)
        report_prometheus_head(w, family);
      any = true;
      writer_text(w, "arrowpool_");
      writer_text(w, family->name);
      writer_text(w, r->rows[i].labels);
      writer_text(w, " ");
      (family->is_time ? writer_milliseconds : writer_int)(w, value);
      writer_text(w, "\n");
    }
  }
}

void serve_rows_clear(serve_rows *r) {
  for (size_t i = 0; i < r->count; i++)
    free(r->rows[i].labels);
  free(r->rows);
  free(r->slots);
  *r = (serve_rows){.families = r->families, .family_count = r->family_count};
}
