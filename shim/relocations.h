/* The relocations of a loaded library: the words by which it reaches what others define, and what that is. It
 * works within the loader's iteration (dl_iterate_phdr), which keeps the library where it is. It allocates
 * nothing. */
#ifndef ARROWPOOL_SHIM_RELOCATIONS_H
#define ARROWPOOL_SHIM_RELOCATIONS_H

#include <link.h>
#include <stdbool.h>

/* A relocation against a symbol that the library leaves to others. */
typedef struct relocation {
  const char *name; /* the symbol's */
  void **word;      /* where the symbol's address goes */
  bool is_call;     /* the word is an entry of the global offset table, by which functions are called */
} relocation;

/* It is called for each of them; false ends it. */
typedef bool relocations_visitor(const relocation *r, void *context);
void relocations_visit(const struct dl_phdr_info *library, relocations_visitor *visit, void *context);

/* Returns whether the loader makes the word's page read-only, once the library's relocations are done. */
bool relocations_protect(const struct dl_phdr_info *library, void *const *word);

#endif
