/* A line of text in pieces, which needs no memory to be put together: PIECES(text, ...) stands for the two
 * parameters `const char *const pieces[], size_t count`. */
#ifndef ARROWPOOL_BASE_PIECES_H
#define ARROWPOOL_BASE_PIECES_H

#define PIECES(...)                                                                                          \
  (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

#endif
