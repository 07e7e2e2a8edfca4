/* What the parts of `arrowpool serve` share: the page, and the two ways in which it is published. */
#ifndef ARROWPOOL_CLI_SERVE_SERVE_H
#define ARROWPOOL_CLI_SERVE_SERVE_H

#include "cli/serve/files.h"

#include <sys/socket.h>

/* ---- the page (serve_page.c): text exposition format 0.0.4 ---- */

typedef struct serve_page {
  char *text;
  size_t size, room;
} serve_page;

/* What the endpoint counts, for the page. */
typedef struct serve_http_counts {
  int64_t scrapes, slow;
} serve_http_counts;

/* Append to a page, which begins with all zero. `counts` may be NULL. Ends the program if there is no memory.
 */
void serve_page_write_tables(serve_page *page, const serve_tables *tables);
void serve_page_write_own(serve_page *page, const serve_files *files, const serve_tables *tables,
                          const serve_http_counts *counts);
void serve_page_free(serve_page *page);

/* ---- over HTTP (serve_http.c) ---- */

typedef struct serve_address {
  struct sockaddr_storage socket;
  socklen_t size;
} serve_address;

/* Parse PORT, :PORT, ADDRESS:PORT or [ADDRESS]:PORT. */
bool serve_address_parse(const char *text, serve_address *out);

/* Listen and answer, in a thread of its own. CLI_OK, or a status whose line was printed. */
int serve_http_start(const serve_address *address, const char *text);

/* Say on stderr where. */
void serve_http_announce(void);

/* What is answered from now on. The text is taken. */
void serve_http_publish(serve_page *page);

/* End connections that have lasted too long; called every second. */
void serve_http_end_slow(void);
serve_http_counts serve_http_read_counts(void);
void serve_http_stop(void);

/* ---- as files for node_exporter (serve_textfile.c) ---- */

/* Open the directory. CLI_OK, or a status whose line was printed. */
int serve_textfile_start(const char *directory);

/* Write them anew, and remove those of our names that are left over. False: some could not be written; said
 * on stderr when it was not so before. */
bool serve_textfile_write(const serve_files *files);

/* Remove them all, if `remove`. */
void serve_textfile_stop(bool remove);

#endif
