/* The functions that follow ours in the chain of symbols: glibc's, or those of an allocator preloaded behind
 * us; each is what the program would get without us. Calls pass through with arguments and errno untouched.
 *
 * A pointer starts out at a stub that resolves all of them on the first call, so that nothing is tested on
 * the way; dlsym may allocate and free while it works, which is served from a static buffer. */
#ifndef ARROWPOOL_SHIM_NEXT_H
#define ARROWPOOL_SHIM_NEXT_H

#include <stdbool.h>
#include <stddef.h>

/* X(return type, name, parameters, arguments) for each function; they are resolved together, at the first
 * call of any. */
#define NEXT_FUNCTIONS(X)                                                                                    \
  X(int, posix_memalign, (void **out, size_t alignment, size_t size), (out, alignment, size))                \
  X(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))                               \
  X(void *, memalign, (size_t alignment, size_t size), (alignment, size))                                    \
  X(void *, valloc, (size_t size), (size))                                                                   \
  X(void *, pvalloc, (size_t size), (size))                                                                  \
  X(void *, realloc, (void *buffer, size_t size), (buffer, size))                                            \
  X(void *, reallocarray, (void *buffer, size_t count, size_t size), (buffer, count, size))                  \
  X(size_t, malloc_usable_size, (void *buffer), (buffer))

typedef struct next_functions {
#define X(type, name, parameters, arguments) type(*name) parameters;
  NEXT_FUNCTIONS(X)
#undef X
  void (*free)(void *buffer);
  /* The chain may have none of these, which are NULL then: */
  void (*_exit)(int status);
  void (*abort)(void);
  void *(*dlopen)(const char *file, int mode);
} next_functions;

extern next_functions next;

/* While a thread asks the allocator behind us for memory, by name, its flag own_call_passes
 * (base/thread_own.h) is set: our own hook only passes the call on. It is volatile: glibc declares
 * posix_memalign a leaf, so the compiler would drop a plain flag around it. */

/* Looks up what not every chain has. It is called once, when the shim starts. */
void next_resolve_optional(void);

/* Returns a symbol of the chain, or NULL. */
void *next_symbol(const char *name);

/* Returns a symbol as the code at `caller` sees it: that of its own libraries, which under Python are not in
 * the chain. Returns NULL if it cannot be found, or is our own. */
void *next_symbol_of_caller(const char *name, const void *caller);

#endif
