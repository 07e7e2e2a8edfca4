/* The columns of `arrowpool top`, once: X(id, word, heading, width, priority, what) for each, in order.
 *
 * `word` is what --sort takes; NULL: there is nothing to sort by. `width` is that on the screen (columns),
 * and a narrow screen shows the lowest `priority` first. `what` is a field of a pool or of the process, of
 * which counters/fields.h says all else: the unit, whether it is shown as a rate, and what it means; or a
 * kind. tests/style/fields.py holds the documents to them. */
#ifndef ARROWPOOL_CLI_TOP_COLUMNS_H
#define ARROWPOOL_CLI_TOP_COLUMNS_H

#include "report/report.h"

#define TOP_COLUMN_LIST(X)                                                                                   \
  X(PID, "pid", "PID", 7, 1, OTHER(NUMBER))                                                                  \
  X(STATE, "state", "STATE", 8, 4, OTHER(TEXT))                                                              \
  X(LIVE, "live", "LIVE", 6, 2, OF_POOL(bytes_allocated))                                                    \
  X(PEAK, "peak", "PEAK", 6, 6, OF_POOL(max_memory))                                                         \
  X(RSS, "rss", "RSS", 6, 3, OF_PROCESS(rss_bytes))                                                          \
  X(IDLE, "idle", "IDLE", 6, 10, OF_PROCESS(idle_bytes))                                                     \
  X(GROWTH, "growth", "GROW/min", 8, 5, OTHER(GROWTH))                                                       \
  X(SHARE, "share", "LIMIT%", 6, 7, OTHER(SHARE))                                                            \
  X(ALLOCS, "allocs", "ALLOC/s", 7, 8, OF_POOL(num_allocations))                                             \
  X(IN_PLACE, "in-place", "PLACE/s", 7, 12, OF_POOL(reallocs_in_place))                                      \
  X(REMAPPED, "remapped", "REMAP/s", 7, 13, OF_POOL(reallocs_remapped))                                      \
  X(COPIES, "copies", "COPY/s", 6, 14, OF_POOL(reallocs_copied))                                             \
  X(COPIED, "copied", "BYTES/s", 7, 11, OF_POOL(bytes_copied))                                               \
  X(LIVE_MINUTE, NULL, "LIVE 1min", 12, 9, OTHER(SPARK)) /* only the screen has it */                        \
  X(RSS_MINUTE, NULL, "RSS 1min", 12, 15, OTHER(SPARK))  /* only the screen has it */                        \
  X(POOL, NULL, "POOL", 0, 0, OTHER(TEXT))               /* only plain output has it, and the next two */    \
  X(NAME, "name", "NAME", 0, 0, OTHER(TEXT))                                                                 \
  X(PROGRAM, "program", "PROGRAM", 0, 0, OTHER(TEXT))                                                        \
  X(COMMAND, NULL, "COMMAND", 0, 0, OTHER(TEXT))

typedef enum top_column_id {
#define X(id, word, heading, width, priority, what) TOP_COLUMN_##id,
  TOP_COLUMN_LIST(X)
#undef X
      TOP_COLUMNS
} top_column_id;

typedef enum top_kind {
  TOP_TEXT,
  TOP_NUMBER,
  TOP_BYTES,
  TOP_RATE,
  TOP_BYTE_RATE,
  TOP_GROWTH, /* bytes a minute, which may be fewer */
  TOP_SHARE,  /* thousandths; not known: there is no limit */
  TOP_SPARK
} top_kind;

/* Returns whether what is read grows, and is shown by the second. */
static inline bool top_is_rate(top_kind kind) { return kind == TOP_RATE || kind == TOP_BYTE_RATE; }

typedef struct top_column {
  top_column_id id;
  const char *word, *heading;
  int width, priority;
  top_kind kind;
  const report_family *of_pool, *of_process; /* the field; at most one is not NULL */
} top_column;

extern const top_column top_columns[TOP_COLUMNS];

/* Returns the field of a column; NULL if it has none. */
static inline const report_family *top_field_of(const top_column *column) {
  return column->of_pool ? column->of_pool : column->of_process;
}

/* Returns the column of that word; -1 if there is none. */
int top_find_column(const char *word);

/* Writes the words that there are: "pid, state or live". */
void top_list_words(char out[256]);

/* Returns the next column, or with -1 the one before, that can be sorted by. */
int top_next_sort(int column, int step);

/* Returns whether the column says nothing of a single pool. */
bool top_is_of_process(const top_column *column);

/* Marks which columns fit on a screen of that width. Returns what is left for the command, which comes
 * last and gets `least` at least. */
int top_fit_columns(int width, int least, bool *shown);

#endif
