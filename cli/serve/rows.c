/* Adds up rows by their labels, and writes them as samples. */
#include "cli/serve/rows.h"

#include "cli/base/memory.h"
#include "cli/stats/stats.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_labels(const void *row) {
  const char *labels = ((const serve_row *)row)->labels;
  return hash_index_hash(HASH_INDEX_START, labels, strlen(labels));
}

static bool same_labels(const void *a, const void *b) {
  return strcmp(((const serve_row *)a)->labels, ((const serve_row *)b)->labels) == 0;
}

static const hash_index_kind by_labels = {sizeof(serve_row), hash_labels, same_labels};

/* Returns the row of these labels, a new one if there is none; NULL if there are too many. */
static serve_row *row_of(serve_rows *r, const char *labels) {
  serve_row wanted = {.labels = (char *)(uintptr_t)labels},
            *row = hash_index_find(&r->rows, &by_labels, &wanted);
  if (row)
    return row;
  if (r->rows.count == SERVE_MOST_ROWS) {
    r->left_out++;
    return NULL;
  }
  wanted.labels = memory_copy(labels);
  for (size_t i = 0; i < SERVE_ROW_VALUES; i++)
    wanted.values[i] = ARROWPOOL_UNKNOWN;
  return hash_index_add(&r->rows, &by_labels, &wanted);
}

static serve_row *row_at(const serve_rows *r, size_t i) { return (serve_row *)r->rows.entries + i; }

void serve_rows_add(serve_rows *r, const char *labels, const int64_t *values) {
  serve_row *row = row_of(r, labels);
  for (size_t i = 0; row && i < r->family_count; i++)
    row->values[i] = stats_sum_known(row->values[i], values[i]);
}

void serve_rows_add_all(serve_rows *r, const serve_rows *from) {
  for (size_t i = 0; i < from->rows.count; i++)
    serve_rows_add(r, row_at(from, i)->labels, row_at(from, i)->values);
  r->left_out += from->left_out;
}

void serve_rows_write(const serve_rows *r, writer *w) {
  for (size_t f = 0; f < r->family_count; f++) {
    const report_family *family = &r->families[f];
    bool any = false;
    for (size_t i = 0; i < r->rows.count; i++) {
      int64_t value = row_at(r, i)->values[f];
      if (value == ARROWPOOL_UNKNOWN)
        continue;
      if (!any)
        report_prometheus_head(w, REPORT_PREFIX, family);
      any = true;
      writer_print(w, REPORT_PREFIX "%s%s ", family->name, row_at(r, i)->labels);
      (family->is_time ? writer_milliseconds : writer_int)(w, value);
      writer_text(w, "\n");
    }
  }
}

void serve_rows_clear(serve_rows *r) {
  for (size_t i = 0; i < r->rows.count; i++)
    free(row_at(r, i)->labels);
  hash_index_free(&r->rows);
  *r = (serve_rows){.families = r->families, .family_count = r->family_count};
}
