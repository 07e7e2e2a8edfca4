/* What C++ keeps of a class with virtual functions, as the Itanium ABI has it: its table begins with two
 * words, the second of which points to this, and objects point behind them, to the first function. */
#ifndef ARROWPOOL_ARROW_CLASS_INFO_H
#define ARROWPOOL_ARROW_CLASS_INFO_H

#include <dlfcn.h>
#include <stdbool.h>

/* type_info, and its descendant for single inheritance. */
typedef struct class_info {
  void *functions;
  const char *name;
  const struct class_info *base; /* with single inheritance only */
} class_info;

/* Returns whether the address is in a library or in the program. It takes the loader's lock. */
static inline bool class_info_is_mapped(const void *address) {
  Dl_info info;
  return address && dladdr(address, &info);
}

#endif
