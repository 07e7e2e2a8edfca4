/* What the parts of `arrowpool serve` share: the page, and the two ways in which it is published. */
#ifndef ARROWPOOL_CLI_SERVE_SERVE_H
#define ARROWPOOL_CLI_SERVE_SERVE_H

#include "cli/serve/files.h"

#include <sys/socket.h>

/* ---- the page (page.c): text exposition format 0.0.4 ---- */

typedef struct serve_page {
  char *text;
  size_t size, room;
} serve_page;

/* The endpoint counts these, for the page. */
typedef struct serve_http_counts {
  int64_t scrapes, slow;
} serve_http_counts;

/* They append to a page, which begins with all zero; `counts` may be NULL. Without memory they end the
 * program. */
void serve_page_write_tables(serve_page *page, const serve_tables *tables);
void serve_page_write_own(serve_page *page, const serve_files *files, const serve_tables *tables,
                          const serve_http_counts *counts);
void serve_page_free(serve_page *page);

/* ---- over HTTP (http.c) ---- */

typedef struct serve_address {
  struct sockaddr_storage socket;
  socklen_t size;
} serve_address;

/* Parses PORT, :PORT, ADDRESS:PORT or [ADDRESS]:PORT. */
bool serve_address_parse(const char *text, serve_address *out);

/* Listens and answers, in a thread of its own. Returns CLI_OK, or a status whose line was printed. */
int serve_http_start(const serve_address *address, const char *text);

/* Says on stderr where it listens. */
void serve_http_announce(void);

/* Answers with this page from now on, whose text is taken. */
void serve_http_publish(serve_page *page);

/* Ends connections that have lasted too long; the server calls it every second. */
void serve_http_end_slow(void);
serve_http_counts serve_http_read_counts(void);
void serve_http_stop(void);

/* ---- as files for node_exporter (textfile.c) ---- */

/* Opens the directory. Returns CLI_OK, or a status whose line was printed. */
int serve_textfile_start(const char *directory);

/* Writes them anew, and removes those of our names that are left over. Returns false if some could not be
 * written, which is said on stderr when it was not so before. */
bool serve_textfile_write(const serve_files *files);

/* Removes them all, if `remove`. */
void serve_textfile_stop(bool remove);

#endif
