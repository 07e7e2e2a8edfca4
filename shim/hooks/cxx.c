/* The C++ half of the libc hook: the operators new and delete for over-aligned types (C++17). Other
 * allocators define them too and would get our pointers, or keep theirs from us.
 *
 * new is served by us, or by the next definition in the chain, which also knows how to throw. delete passes a
 * pointer that is not ours to the next definition. */
#include "shim/next.h"
#include "shim/router.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

/* operator_ says where an operator's next definition is; it is looked up once, at its first use. A C++
 * runtime that was loaded privately is not in the chain, only in its caller's view. */
typedef struct operator_ {
  const char *name;
  void *next;
} operator_;

static void *hook_cxx_find(operator_ *op, const void *caller) {
  void *found = __atomic_load_n(&op->next, __ATOMIC_RELAXED);
  if (!found) {
    found = next_symbol(op->name);
    if (!found)
      found = next_symbol_of_caller(op->name, caller);
    __atomic_store_n(&op->next, found, __ATOMIC_RELAXED);
  }
  return found;
}

typedef void new_handler(void);
typedef new_handler *get_handler(void);

/* Asks the program's handler: what a limit refuses may be there once that has freed something. If not, the
 * next operator gets a size that it has to refuse, in its own way. */
static void *ask_new_handler(const router_hook *hook, size_t *size, size_t alignment) {
  void *buffer = NULL;
  get_handler *get = (get_handler *)next_symbol("_ZSt15get_new_handlerv");
  for (new_handler *handler; !buffer && get && (handler = get()) != NULL;) {
    handler();
    buffer = router_allocate(hook, *size, alignment);
  }
  *size = PTRDIFF_MAX / 2 + 1;
  return buffer;
}

static void *hook_cxx_allocate(operator_ *op, size_t size, size_t alignment, const void *nothrow,
                               const void *caller) {
  const router_hook *hook = router_hook_of(ROUTER_LIBC);
  void *buffer = hook && hook->ours ? router_allocate(hook, size, alignment) : NULL;
  if (!buffer && hook && hook->ours && router_refuses(hook))
    buffer = ask_new_handler(hook, &size, alignment);
  if (buffer)
    return buffer;
  void *(*def)(size_t, size_t, const void *) =
      (void *(*)(size_t, size_t, const void *))hook_cxx_find(op, caller);
  if (!def) /* nobody defines it: the caller cannot be C++ */
    return next.memalign(alignment, size);
  /* libstdc++'s comes back to us by aligned_alloc and is counted there; a preloaded allocator's is not. */
  return def(size, alignment, nothrow);
}

#define NEW(symbol, parameters, nothrow)                                                                     \
  EXPORT void *symbol parameters;                                                                            \
  EXPORT void *symbol parameters {                                                                           \
    static operator_ op = {#symbol, NULL};                                                                   \
    return hook_cxx_allocate(&op, size, alignment, nothrow, __builtin_return_address(0));                    \
  }
NEW(_ZnwmSt11align_val_t, (size_t size, size_t alignment), NULL)
NEW(_ZnamSt11align_val_t, (size_t size, size_t alignment), NULL)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *nothrow), nothrow)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *nothrow), nothrow)

/* All six pass the pointer first; what follows is passed on as it came. */
static void hook_cxx_release(operator_ *op, void *buffer, size_t second, size_t third, const void *caller) {
  if (router_owns(buffer)) {
    free(buffer);
    return;
  }
  void (*def)(void *, size_t, size_t) = (void (*)(void *, size_t, size_t))hook_cxx_find(op, caller);
  if (def)
    def(buffer, second, third);
  else
    next.free(buffer);
}

#define DELETE(symbol, parameters, second, third)                                                            \
  EXPORT void symbol parameters;                                                                             \
  EXPORT void symbol parameters {                                                                            \
    static operator_ op = {#symbol, NULL};                                                                   \
    hook_cxx_release(&op, buffer, second, (size_t)(third), __builtin_return_address(0));                     \
  }
DELETE(_ZdlPvSt11align_val_t, (void *buffer, size_t alignment), alignment, 0)
DELETE(_ZdaPvSt11align_val_t, (void *buffer, size_t alignment), alignment, 0)
DELETE(_ZdlPvmSt11align_val_t, (void *buffer, size_t size, size_t alignment), size, alignment)
DELETE(_ZdaPvmSt11align_val_t, (void *buffer, size_t size, size_t alignment), size, alignment)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *buffer, size_t alignment, const void *nothrow), alignment,
       nothrow)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *buffer, size_t alignment, const void *nothrow), alignment,
       nothrow)
