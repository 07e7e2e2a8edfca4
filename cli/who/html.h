/* The page that who_write_html fills in, as embed.py makes it of the files in page/. */
#ifndef ARROWPOOL_CLI_WHO_HTML_H
#define ARROWPOOL_CLI_WHO_HTML_H

enum { WHO_PAGE_PARTS = 4 };

/* Between these parts come the title (HTML), the title again, and the data (JSON without "<"). */
extern const char *const who_page[WHO_PAGE_PARTS];

#endif
