/* Who holds the memory: a sample of the live buffers, each with the stack that allocated it, in a file that
 * others can read, also after the process was killed (profile_format.h).
 *
 * The pools ask here at each event of theirs, and find in most cases that nothing is to be done: profile_on
 * is false, or no point of the stream lies in the bytes. A sample is taken without malloc, stdio and locale.
 * It is taken in any thread; only on an alternate signal stack none is, which has no room for it, nor in a
 * process that confines itself (base/process_file.h): what is freed there is withdrawn as before. */
#ifndef ARROWPOOL_PROFILE_PROFILE_H
#define ARROWPOOL_PROFILE_PROFILE_H

#include "profile/records.h"
#include "profile/stream.h"
#include "profile/unwind.h"

enum { PROFILE_WITH_PYTHON = 1 << 0, PROFILE_WITH_NATIVE = 1 << 1, PROFILE_WITH_TASKS = 1 << 2 };

typedef struct profile_wanted {
  const char *directory; /* absolute */
  bool keep;             /* the file stays after an orderly end too */
  int64_t mean;          /* bytes between two samples, on average; above 0 */
  unsigned with;         /* PROFILE_WITH_... */
  store_complain *complain;
} profile_wanted;

/* Begins, from now on and once for the process. Returns false if it cannot, or has begun already. */
bool profile_start(const profile_wanted *wanted);

/* Returns the directory of the profile that was begun (absolute). */
static inline const char *profile_directory(void) { return store_directory(); }

/* Sets what profile_start calls when it has begun one that is to have tasks: whoever can tell of them then
 * does. Without it nobody tells. It is called before a profile can begin. */
void profile_set_task_watch(void (*watch)(void));

extern _Atomic bool profile_begun;
static inline bool profile_on(void) {
  return __builtin_expect(atomic_load_explicit(&profile_begun, memory_order_relaxed), 0);
}

/* A library is about to be loaded, perhaps in the place of one that was unloaded. It is async-signal-safe. */
void profile_library_comes(void);

/* Looks for the interpreter again, where none was there before: somebody has loaded a library. It takes the
 * loader's lock. */
void profile_look_for_python(void);

/* Notes that the process lives, for whoever finds the file after it was killed. */
void profile_note_life(void);

/* Notes an orderly end, as live_finish does of a live file. */
static inline void profile_finish(bool remove) { store_finish(remove); }

/* A buffer of `size` bytes was served, and the stream hit it when it passed over `passed` bytes. `from` is
 * where its stack is read from, and `pool` the pool's name. */
void profile_enter(unwind_frame from, const void *buffer, int64_t size, int64_t passed, const char *pool);

/* A buffer is about to be freed: from then on another may have the address. */
void profile_forget(const void *buffer);

/* Before a buffer is reallocated its record is withdrawn, likewise. The result is what the next ones need; 0:
 * there is no record. One that is not to be the buffer's again is given up. */
uint32_t profile_withdraw(const void *buffer);
void profile_give_up(uint32_t record);

/* The buffer was reallocated, and has `added` bytes more, which the stream hit or not; or the attempt failed,
 * and it is as it was (`added` 0 and its old size). */
void profile_reenter(unwind_frame from, uint32_t record, const void *buffer, int64_t size, int64_t added,
                     bool hit, const char *pool);

/* Tasks that other threads do. An origin is the stack of Python of whoever gave the task; 0: none is known.
 * The first returns that of the calling thread, which is the one it works on where it has no Python of its
 * own. The second returns where the thread's own is, to be set while it works on a task: always the same
 * address. The third counts a task that was given, with an origin or without. */
uint32_t profile_origin_here(void);
uint32_t *profile_current_origin(void);
void profile_count_task(bool told);

/* Notes that those of a libarrow are told of. */
void profile_tasks_are_told(void);

/* The stack's numbers lose their meaning in a fork's child, which begins with an empty profile: what it
 * inherited is its parent's. It calls this with all locks free, or held by the handler's own thread where a
 * signal's handler forks. */
void profile_fork_child(void);

#endif
