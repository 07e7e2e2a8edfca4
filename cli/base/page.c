/* Fills in pages.
 *
 * Data is JSON in a script element of another type: the browser does not run it, and since it has no "<" no
 * name ends the element. The page's policy allows the script that was embedded and no other. */
#include "cli/base/page.h"

static int write_html(void *out, const char *text, size_t size) {
  for (; size--; text++)
    if (*text == '<')
      fputs("&lt;", out);
    else if (*text == '&')
      fputs("&amp;", out);
    else
      putc(*text, out);
  return ferror(out);
}

/* In JSON a "<" can only be in a string. */
static int write_json(void *out, const char *text, size_t size) {
  for (; size--; text++)
    if (*text == '<')
      fputs("\\u003c", out);
    else
      putc(*text, out);
  return ferror(out);
}

void page_separate(writer *w, bool *first) {
  writer_text(w, *first ? "\n" : ",\n");
  *first = false;
}

void page_write(FILE *out, const char *const parts[PAGE_PARTS], page_fill title, page_fill data,
                const void *context) {
  writer w;
  for (size_t part = 0; part < PAGE_PARTS; part++) {
    fputs(parts[part], out);
    if (part == PAGE_PARTS - 1)
      break;
    bool is_data = part == PAGE_PARTS - 2;
    writer_init(&w, is_data ? write_json : write_html, out);
    (is_data ? data : title)(&w, context);
    writer_finish(&w);
  }
}
