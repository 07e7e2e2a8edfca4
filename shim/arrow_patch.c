/* Identifies Arrow's pools and patches them. What calls into the loader happens before the lock is taken: a
 * thread may come here from a constructor, which runs under the loader's own lock. */
#include "shim/arrow_patch.h"

#include "arrow/class_info.h"
#include "profile/profile.h"
#include "report/interpreter.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define PATCHES 16 /* pools; each libarrow in the process has at most three */

static arrow_patch patches[PATCHES];
static _Atomic unsigned used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
_Atomic bool arrow_patch_leaves;
static __thread bool asking; /* the thread is inside one of Arrow's factories, which may call another */

static void *const *functions_of(const void *object) {
  return __atomic_load_n((void *const *const *)object, __ATOMIC_ACQUIRE);
}

static bool is_patched(const void *object) {
  uintptr_t functions = (uintptr_t)functions_of(object);
  return functions - (uintptr_t)patches < sizeof patches;
}

/* Reads Arrow's name for what serves the pool ("mimalloc"), and makes our pool's name of it; returns false if
 * it makes no name. */
static bool read_name(void *object, const arrow_layout *layout, void *const *functions, char name[48]) {
  struct string {
    const char *text; /* it is all that there is of the old string */
    size_t length;
    char buffer[16];
  };
  struct string (*ask)(void *) = (struct string(*)(void *))functions[layout->indexes[ARROW_BACKEND_NAME]];
  struct string string = ask(object); /* never freed: once for each pool, and too short to be on the heap */
  size_t length = strnlen(string.text, 33);
  strcpy(name, "arrow.");
  for (size_t i = 0; i < length; i++)
    if (string.text[i] <= ' ' || string.text[i] > '~')
      return false;
  memcpy(name + 6, string.text, length);
  name[6 + length] = 0;
  return length > 0 && length <= 32;
}

/* Returns whether libarrow uses this pool where the program names none. */
static bool is_default(const void *object, const arrow_layout *layout) {
  void *(*get)(void) = (void *(*)(void))dlsym(layout->library, "_ZN5arrow19default_memory_poolEv");
  return get && get() == object;
}

static arrowpool_pool *make_pool(const char *name, bool separate_jemalloc) {
  pool_config config = {.backend = router_told_backend(separate_jemalloc)};
  char numbered[64];
  arrowpool_pool *pool;
  arrowpool_status status = pool_create(name, config, &pool);
  for (char digit = '2'; status == ARROWPOOL_EXISTS && digit <= '9'; digit++) { /* of another libarrow */
    size_t length = strlen(name);
    /* The end comes with the digit: NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(numbered, name, length);
    memcpy(numbered + length, (char[]){'.', digit, 0}, 3);
    status = pool_create(numbered, config, &pool);
  }
  return status == ARROWPOOL_OK ? pool : NULL;
}

/* Returns whether the original has buffers in the range. Arrow's system pool takes its memory by the libc
 * hook, where there is one, which serves from the range, too: what it handed out before it was patched looks
 * like ours. */
static bool has_buffers_in_range(void *object, void *const *functions, const arrow_layout *layout,
                                 const char *name) {
  int64_t (*bytes)(void *) = (int64_t(*)(void *))functions[layout->indexes[ARROW_BYTES_ALLOCATED]];
  return the_router.hooks[ROUTER_LIBC].ours && strcmp(name, "arrow.system") == 0 && bytes(object) > 0;
}

/* Patches the pool. Returns NULL on success, else a reason. */
static const char *patch(void *object, const arrow_layout *layout, const char *name, bool separate_jemalloc,
                         const arrow_functions *ours) {
  const char *reason = NULL;
  pthread_mutex_lock(&lock);
  unsigned index = atomic_load(&used);
  arrow_patch *p = &patches[index];
  if (is_patched(object)) {
    /* another thread was faster */
  } else if (index == PATCHES || !(p->pool = make_pool(name, separate_jemalloc))) {
    reason = "there are too many pools";
  } else {
    p->object = object;
    p->original = functions_of(object);
    p->layout = *layout;
    p->lists_own = has_buffers_in_range(object, p->original, layout, name);
    atomic_store(&p->quick, !p->lists_own && arrow_patch_serves());
    arrow_layout_copy(&p->layout, p->original, ours, p->table);
    atomic_store(&used, index + 1);
    __atomic_store_n((void **)object, &p->table[2], __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&lock);
  return reason;
}

/* Pools that stay as they are; the user is told once of each. */
static _Atomic(const void *) refused[PATCHES];

static bool is_refused(const void *object) {
  for (int i = 0; i < PATCHES; i++)
    if (atomic_load_explicit(&refused[i], memory_order_relaxed) == object)
      return true;
  return false;
}

/* Returns what to add where buffers of such a pool are served all the same: where it wraps libarrow's
 * mimalloc, which comes by the arrow_mi hook if that libarrow exports what it takes. */
static const char *arrow_patch_addition(void *const *functions, void *library) {
  const class_info *class = functions[-1];
  bool wraps_mimalloc = class_info_is_mapped(class) && class_info_is_mapped(class->name) &&
                        strstr(class->name, "MimallocDebug");
  return wraps_mimalloc && library && dlsym(library, "arrow_mi_malloc_aligned") &&
                 router_hook_of(ROUTER_ARROW_MIMALLOC)
             ? "; its mimalloc is served by the arrow_mi hook"
             : "";
}

static void arrow_patch_refuse(const void *object, const char *reason, const char *addition) {
  for (int i = 0; i < PATCHES; i++) {
    const void *none = NULL;
    if (atomic_compare_exchange_strong(&refused[i], &none, object)) {
      router_warn(PIECES("a pool of Arrow's stays as it is: ", reason, addition));
      return;
    }
    if (none == object)
      return;
  }
}

static void identify_and_patch(void *object, const arrow_functions *ours) {
  void *const *functions = functions_of(object);
  arrow_layout layout = {0};
  char name[48];
  if (!functions) /* the program asked for it before it was constructed */
    return;
  if (profile_on())
    profile_look_for_python();
  interpreter_look();
  const char *reason = arrow_layout_read(functions, &layout);
  if (!reason && !read_name(object, &layout, functions, name))
    reason = "its backend has no name";
  bool separate = !reason && strcmp(name, "arrow.jemalloc") == 0 && !is_default(object, &layout);
  if (!reason)
    reason = patch(object, &layout, name, separate, ours);
  if (reason)
    arrow_patch_refuse(object, reason, arrow_patch_addition(functions, layout.library));
}

void *arrow_patch_pool(void *object, const arrow_functions *ours) {
  if (!object || is_patched(object) || asking || is_refused(object))
    return object;
  asking = true;
  identify_and_patch(object, ours);
  asking = false;
  return object;
}

bool arrow_patch_is_served(const void *symbol, const char *name, const backend *by) {
  Dl_info theirs, pools;
  if (!dladdr(symbol, &theirs))
    return false;
  for (const arrow_patch *p = patches; p < patches + atomic_load(&used); p++)
    if (strncmp(pool_name(p->pool), name, strlen(name)) == 0 && pool_get_config(p->pool)->backend == by &&
        dladdr(p->original, &pools) && pools.dli_fbase == theirs.dli_fbase)
      return true;
  return false;
}

const char *arrow_patch_judge(const void *object) {
  arrow_layout layout;
  return !object || is_patched(object) ? NULL : arrow_layout_read(functions_of(object), &layout);
}

void arrow_patch_set_serving(bool serve) {
  pthread_mutex_lock(&lock);
  atomic_store(&arrow_patch_leaves, !serve);
  for (arrow_patch *p = patches; p < patches + atomic_load(&used); p++)
    atomic_store(&p->quick, serve && !p->lists_own);
  pthread_mutex_unlock(&lock);
}

unsigned arrow_patch_count(void) { return atomic_load(&used); }

void arrow_patch_prefork(void) { pthread_mutex_lock(&lock); }

void arrow_patch_postfork(void) { pthread_mutex_unlock(&lock); }
