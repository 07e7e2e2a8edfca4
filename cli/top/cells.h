/* The columns of `arrowpool top` and the text of their cells, which the screen and the plain output share. */
#ifndef ARROWPOOL_CLI_TOP_CELLS_H
#define ARROWPOOL_CLI_TOP_CELLS_H

#include "cli/top/model.h"

typedef enum top_column_id {
  TOP_COLUMN_PID,
  TOP_COLUMN_STATE,
  TOP_COLUMN_LIVE,
  TOP_COLUMN_PEAK,
  TOP_COLUMN_RSS,
  TOP_COLUMN_IDLE,
  TOP_COLUMN_ALLOCS,
  TOP_COLUMN_IN_PLACE,
  TOP_COLUMN_REMAPPED,
  TOP_COLUMN_COPIES,
  TOP_COLUMN_COPIED,
  TOP_COLUMN_LIVE_MINUTE, /* only the screen has it */
  TOP_COLUMN_RSS_MINUTE,  /* only the screen has it */
  TOP_COLUMN_POOL,        /* only plain output has it */
  TOP_COLUMN_PROGRAM,
  TOP_COLUMNS
} top_column_id;

typedef enum top_kind { TOP_TEXT, TOP_NUMBER, TOP_BYTES, TOP_RATE, TOP_BYTE_RATE, TOP_SPARK } top_kind;

typedef struct top_column {
  top_column_id id;
  const char *field; /* --sort takes it; NULL: there is nothing to sort by */
  const char *heading;
  top_kind kind;
  top_number number;
  int width;    /* its columns on the screen */
  int priority; /* a narrow screen shows the lowest first */
} top_column;

extern const top_column top_columns[TOP_COLUMNS];

/* Returns the column of that field; -1 if there is none. */
int top_find_column(const char *field);

/* Returns the next column, or with -1 the one before, that can be sorted by. */
int top_next_sort(int column, int step);

/* Returns whether the column says nothing of a single pool. */
bool top_is_of_process(const top_column *column);

/* Returns ARROWPOOL_UNKNOWN for what is not known, or of no meaning in this line. */
int64_t top_cell_number(const top_line *line, const top_column *column);

/* They write at most 24 bytes. Numbers are short ("1.5G", "?" unknown), or exact: bytes, and thousandths of
 * calls a second. */
void top_format_pid(int64_t pid, char *out);
void top_format_number(int64_t number, top_kind kind, bool exact, char *out);

/* Writes levels 0 to TOP_LEVELS-1 of the last minute, `width` of them (a divisor of 60), relative to its
 * highest value; -1 is not known. */
#define TOP_LEVELS 8
void top_levels(const top_history *h, int width, signed char *out);

/* Returns the characters of the levels, in Unicode or in ASCII. */
const char *top_level_text(int level, bool unicode);

/* Marks which columns fit on a screen of that width. Returns what is left for the program's name, which comes
 * last and gets `least` at least. */
int top_fit_columns(int width, int least, bool *shown);

/* Writes the lines as text, for programs and logs to read. Returns false if stdout refuses. */
bool top_print(const top_model *m);

/* Writes the header: "2 processes, 1 gone, ...". */
void top_describe(const top_model *m, char *out, size_t size);

#endif
