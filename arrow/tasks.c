/* Patches ThreadPool::SpawnReal, and is the task that comes of it (tasks.h).
 *
 * What calls into the loader happens before the lock is taken: a thread may come here from a constructor,
 * which runs under the loader's own lock. A library's record is filled before the patch leads to it, and
 * constant from then on.
 *
 * An exception that leaves a task passes through our function without stopping: nothing has to be undone
 * there, since FnOnce destroys the task that it ran on either way out. */
#include "arrow/tasks.h"

#include "arrow/abi.h"

#if ABI_KNOWN
#include "arrow/class_info.h"
#include "arrow/read_only.h"
#include "arrow/tasks_entry.h"
#include "arrow/tasks_names.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- the task ---- */

/* The virtual functions of arrow::internal::FnOnce<void()>::Impl, in their order. */
enum { TASK_DESTROY, TASK_DELETE, TASK_INVOKE, TASK_FUNCTIONS };

typedef struct any_task {
  void *const *functions;
} any_task;

/* A task that wraps another. It is the program's memory, as that one is. */
typedef struct told_task {
  void *const *functions;
  any_task *inner;
  uint32_t origin;
  uint32_t before; /* the thread's origin outside of the task, while it is entered */
  bool entered;
} told_task;

static _Atomic(const arrow_tasks_callbacks *) callbacks;

static const arrow_tasks_callbacks *get_callbacks(void) {
  return atomic_load_explicit(&callbacks, memory_order_acquire);
}

static void enter(told_task *task) {
  uint32_t *current = get_callbacks()->current();
  task->before = *current;
  task->entered = true;
  *current = task->origin;
}

static void leave(told_task *task) {
  task->entered = false;
  *get_callbacks()->current() = task->before;
}

static void call(any_task *task, int function) { ((void (*)(any_task *))task->functions[function])(task); }

static void task_invoke(told_task *task) {
  enter(task);
  call(task->inner, TASK_INVOKE);
  leave(task);
}

/* It is entered already if an exception left it. */
static void task_destroy(told_task *task) {
  if (!task->entered)
    enter(task);
  call(task->inner, TASK_DELETE);
  leave(task);
}

static void task_delete(told_task *task) {
  task_destroy(task);
  free(task);
}

/* ---- what is patched ---- */

typedef struct patched_library {
  void **table;   /* of ThreadPool */
  void *original; /* SpawnReal */
  uintptr_t code; /* the library's instructions: from there, and how many bytes */
  size_t code_bytes;
  void *task_table[2 + TASK_FUNCTIONS]; /* of our tasks, which are of the library's class */
  atomic_bool ready;                    /* set last */
} patched_library;

static patched_library libraries[ARROW_TASKS_LIBRARIES];
static unsigned used; /* protected by the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_told(const any_task *task) {
  return (uintptr_t)task->functions - (uintptr_t)libraries < sizeof libraries;
}

/* Returns whether the library's own code follows the three functions that we know: there is a fourth then.
 * What lies behind a table is the library's data, which ends in no table. */
__attribute__((no_sanitize("address"))) static bool has_fourth(const patched_library *library,
                                                               const any_task *task) {
  return (uintptr_t)task->functions[TASK_FUNCTIONS] - library->code < library->code_bytes;
}

/* Returns whether the task is of a class that FnOnce makes of whatever it is given, as we know it. */
static bool is_known(const patched_library *library, const any_task *task) {
  static const char prefix[] = "N5arrow8internal6FnOnceIFvvEE6FnImplI";
  const class_info *class = task->functions[-1];
  return class && strncmp(class->name + (*class->name == '*'), prefix, sizeof prefix - 1) == 0 &&
         !has_fourth(library, task);
}

/* Puts the task into one of ours. Returns false if it stays as it is. */
static bool tell(const patched_library *library, any_task **task) {
  const arrow_tasks_callbacks *c = get_callbacks();
  if (!*task || is_told(*task))
    return *task != NULL;
  uint32_t origin = c->origin_here();
  if (!origin)
    origin = *c->current();
  told_task *told = origin && is_known(library, *task) ? malloc(sizeof *told) : NULL;
  if (!told)
    return false;
  *told = (told_task){.functions = &library->task_table[2], .inner = *task, .origin = origin};
  *task = (any_task *)told;
  return true;
}

/* The entries come by here with the FnOnce, which is a pointer to its task. Returns with what to go on. */
__attribute__((visibility("hidden"), used)) void *arrow_tasks_wrap(any_task **task, unsigned index);
void *arrow_tasks_wrap(any_task **task, unsigned index) {
  const patched_library *library = &libraries[index];
  int saved = errno;
  while (!atomic_load_explicit(&library->ready, memory_order_acquire))
    sched_yield(); /* for the moment until the record is seen as the patch is */
  bool told = tell(library, task);
  get_callbacks()->given(told);
  errno = saved;
  return library->original;
}

#define ENTRIES(X)   X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define ENTRY(index) ARROW_TASKS_ENTRY(arrow_tasks_entry_##index, arrow_tasks_wrap, index)
ENTRIES(ENTRY)

#define ENTRY_NAME(index) arrow_tasks_entry_##index,
static void (*const entries[ARROW_TASKS_LIBRARIES])(void) = {ENTRIES(ENTRY_NAME)};

/* ---- patching ---- */

typedef struct findings {
  void **table, *spawn;
  const class_info *task_class;
  uintptr_t code;
  size_t code_bytes;
  int slot; /* of SpawnReal, counted from the table's first word */
} findings;

/* Finds the segment of instructions that has SpawnReal. */
static int find_code(struct dl_phdr_info *info, size_t size, void *context) {
  findings *f = context;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    uintptr_t from = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
        (uintptr_t)f->spawn - from < segment->p_memsz) {
      f->code = from;
      f->code_bytes = segment->p_memsz;
      return 1;
    }
  }
  return 0;
}

static bool is_class(const class_info *class, const char *name) {
  return class_info_is_mapped(class) && class_info_is_mapped(class->name) && strcmp(class->name, name) == 0;
}

static const char *check_table(findings *f, const class_info *class, int count) {
  f->slot = 0;
  if (f->table[0] || f->table[1] != class || !is_class(class, TASKS_THREAD_POOL) ||
      !is_class(class->base, TASKS_EXECUTOR))
    return "ThreadPool is not simply an Executor";
  for (int i = 2; i < count; i++)
    if (f->table[i] == f->spawn) {
      if (f->slot)
        return "SpawnReal cannot be told from another function";
      f->slot = i;
    }
  return f->slot ? NULL : "SpawnReal is not in the table of ThreadPool";
}

static const char *find(void *library, void **table, findings *out) {
  Dl_info info, spawn;
  const ElfW(Sym) *symbol = NULL;
  *out = (findings){.table = table,
                    .spawn = dlsym(library, TASKS_SPAWN_SYMBOL),
                    .task_class = dlsym(library, TASKS_TASK_SYMBOL)};
  const class_info *class = dlsym(library, TASKS_THREAD_POOL_SYMBOL);
  if (!table || !out->spawn || !class || !is_class(out->task_class, TASKS_TASK) ||
      !dladdr1(table, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol || !dladdr(out->spawn, &spawn))
    return "its thread pools do not export what is needed";
  if (info.dli_fbase != spawn.dli_fbase || !dl_iterate_phdr(find_code, out))
    return "its thread pools are in several libraries";
  if (!dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE))
    return "its library cannot be opened";
  return check_table(out, class, (int)(symbol->st_size / sizeof *table));
}

/* Returns whether there is a record of that table; the lock is held. */
static bool is_patched(void *const *table) {
  for (unsigned i = 0; i < used; i++)
    if (libraries[i].table == table)
      return true;
  return false;
}

static bool is_patched_now(void *const *table) {
  pthread_mutex_lock(&lock);
  bool patched = is_patched(table);
  pthread_mutex_unlock(&lock);
  return patched;
}

static void fill(patched_library *library, const findings *f) {
  void *const table[] = {NULL, (void *)(uintptr_t)f->task_class, (void *)task_destroy, (void *)task_delete,
                         (void *)task_invoke};
  library->table = f->table;
  library->original = f->spawn;
  library->code = f->code;
  library->code_bytes = f->code_bytes;
  memcpy(library->task_table, table, sizeof table);
  atomic_store_explicit(&library->ready, true, memory_order_release);
}

/* Patches what was found; the lock is held. */
static const char *patch(const findings *f) {
  if (is_patched(f->table)) /* another thread was faster */
    return NULL;
  if (used == ARROW_TASKS_LIBRARIES)
    return "there are too many libarrows";
  fill(&libraries[used], f);
  if (!read_only_store(&f->table[f->slot], (void *)entries[used]))
    return "the table of ThreadPool cannot be written";
  used++;
  return NULL;
}

const char *arrow_tasks_patch(void *library, const arrow_tasks_callbacks *with) {
  const arrow_tasks_callbacks *none = NULL;
  findings f;
  void **table = dlsym(library, TASKS_TABLE_SYMBOL);
  if (table && is_patched_now(table))
    return NULL;
  const char *reason = find(library, table, &f);
  if (reason)
    return is_patched_now(table) ? NULL : reason; /* another thread was faster */
  atomic_compare_exchange_strong(&callbacks, &none, with);
  pthread_mutex_lock(&lock);
  reason = patch(&f);
  pthread_mutex_unlock(&lock);
  return reason;
}

void arrow_tasks_prefork(void) { pthread_mutex_lock(&lock); }

void arrow_tasks_postfork(void) { pthread_mutex_unlock(&lock); }

#else
const char *arrow_tasks_patch(void *library, const arrow_tasks_callbacks *with) {
  (void)library, (void)with;
  return "nobody has described how C++ calls functions on this processor";
}

void arrow_tasks_prefork(void) {}

void arrow_tasks_postfork(void) {}
#endif
