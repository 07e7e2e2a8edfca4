/* See unwind_stacks.h. */
#include "unwind_stacks.h"

#include "unit.h"

#include "profile/loaded.h"
#include "profile/unwind.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <unwind.h>

/* The look-up of the library's is ours (--wrap): we can be a C library that has no _dl_find_object. */
static bool is_old;
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name) {
  return is_old && strcmp(name, "_dl_find_object") == 0 ? NULL : __real_dlsym(handle, name);
}

/* So is what finds objects. */
static atomic_int looked_up;
bool __real_loaded_find(uintptr_t address, loaded_object *out);
bool __wrap_loaded_find(uintptr_t address, loaded_object *out);
bool __wrap_loaded_find(uintptr_t address, loaded_object *out) {
  atomic_fetch_add(&looked_up, 1);
  return __real_loaded_find(address, out);
}

int stacks_looked_up(void) { return atomic_exchange(&looked_up, 0); }

int stacks_use_rows(void **state) {
  (void)state;
  is_old = false;
  unwind_start(NULL);
  return 0;
}

int stacks_use_libgcc(void **state) {
  (void)state;
  is_old = true;
  unwind_start(NULL);
  return 0;
}

bool stacks_by_rows(void) {
#ifdef __x86_64__
  return loaded_is_lock_free();
#else
  return false;
#endif
}

/* ---- the reference ---- */

typedef struct traced {
  uint64_t *out;
  size_t count, most;
  bool begun;
} traced;

static _Unwind_Reason_Code trace(struct _Unwind_Context *context, void *data) {
  traced *t = data;
  uint64_t address = _Unwind_GetIP(context);
  if (!t->begun) { /* stacks_reference itself */
    t->begun = true;
    return _URC_NO_REASON;
  }
  if (!address || t->count == t->most)
    return _URC_END_OF_STACK;
  t->out[t->count++] = address;
  return _URC_NO_REASON;
}

__attribute__((noinline)) size_t stacks_reference(uint64_t *out, size_t most) {
  traced t = {.out = out, .most = most};
  _Unwind_Backtrace(trace, &t);
  return t.count;
}

__attribute__((noinline)) size_t stacks_here(uint64_t *out, size_t most) {
  return unwind_stack(unwind_caller(), out, most);
}

static void *function_of(uint64_t address) { return _Unwind_FindEnclosingFunction((void *)(address - 1)); }

void stacks_compare(unwind_script *s) {
  uint64_t expected[STACKS_MOST], found[STACKS_MOST];
  size_t wanted = stacks_reference(expected, STACKS_MOST), count = stacks_here(found, STACKS_MOST);
  for (size_t i = 1; i < wanted && i < count; i++)
    CHECK(found[i] == expected[i]);
  CHECK(count == wanted && count > 2);
  CHECK(function_of(found[0]) == function_of(expected[0]));
  s->returned++;
}

/* ---- scripts ---- */

static unwind_shape *const *const lists[] = {shapes_quick, shapes_pointers, shapes_debug, shapes_realigned,
#ifdef HAVE_CXX
                                             shapes_cxx
#endif
};

static size_t length_of(unwind_shape *const *list) {
  size_t length = 0;
  while (list[length])
    length++;
  return length;
}

uint64_t unwind_number(unwind_script *s, uint64_t bound) { return unit_random(&s->random) % bound; }

__attribute__((noinline)) void unwind_next(unwind_script *s) {
  if (s->left-- > 0) {
    unwind_shape *const *list = lists[unwind_number(s, COUNT_OF(lists))];
    list[unwind_number(s, length_of(list))](s);
  } else {
    s->leaf(s);
  }
  s->returned++;
}

void stacks_make(uint64_t seed, int functions, void (*leaf)(unwind_script *s)) {
  unwind_script s = {.random = seed, .left = functions, .leaf = leaf};
  unwind_next(&s);
}
