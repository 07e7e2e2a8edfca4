/* The text of the cells of `arrowpool top`, which the screen and the plain output share. */
#ifndef ARROWPOOL_CLI_TOP_CELLS_H
#define ARROWPOOL_CLI_TOP_CELLS_H

#include "cli/top/model.h"

/* Returns ARROWPOOL_UNKNOWN for what is not known, or of no meaning in this line. */
int64_t top_cell_number(const top_line *line, const top_column *column);

/* Writes at most 24 bytes. Numbers are short ("1.5G", "?" unknown), or exact: bytes, and thousandths of calls
 * a second. */
void top_format_number(int64_t number, top_kind kind, bool exact, char *out);

/* Returns a column's heading: for sums by program the numbers of processes are how many. */
const char *top_heading(const top_model *m, const top_column *column);

/* Writes levels 0 to TOP_LEVELS-1 of the last minute, `width` of them (a divisor of 60), relative to its
 * highest value; -1 is not known. */
#define TOP_LEVELS 8
void top_levels(const top_history *h, int width, signed char *out);

/* Returns the characters of the levels, in Unicode or in ASCII. */
const char *top_level_text(int level, bool unicode);

/* Writes the lines as text, for programs and logs to read. Returns false if stdout refuses. */
bool top_print(const top_model *m);

/* Writes the header: "2 processes, 1 gone, ...". */
void top_describe(const top_model *m, char *out, size_t size);

#endif
