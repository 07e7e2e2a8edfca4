/* Pages that are one file: a template, which embed_page.py makes a C source of, and what is written into it.
 */
#ifndef ARROWPOOL_CLI_BASE_PAGE_H
#define ARROWPOOL_CLI_BASE_PAGE_H

#include "base/writer.h"

#include <stdbool.h>
#include <stdio.h>

/* Between these parts come the title (as HTML), the title again, and the data (as JSON without "<"). */
enum { PAGE_PARTS = 4 };

/* Writes the title as plain text, or the data as JSON: what HTML needs is seen to. */
typedef void (*page_fill)(writer *w, const void *context);

void page_write(FILE *out, const char *const parts[PAGE_PARTS], page_fill title, page_fill data,
                const void *context);

/* Writes what stands between the elements of an array: nothing before the first. */
void page_separate(writer *w, bool *first);

#endif
