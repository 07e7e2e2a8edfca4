/* One-line messages on stderr, by write(2) only: "arrowpool: ...". Async-signal-safe. */
#ifndef ARROWPOOL_LOG_H
#define ARROWPOOL_LOG_H

#include <stddef.h>

/* Write the pieces as one line. */
void log_line(const char *const pieces[], size_t count);

#define LOG_LINE(...)                                                                                        \
  log_line((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
