/* Native stacks: the return addresses of the calling thread, for a sample.
 *
 * On x86-64 and from glibc 2.35 on, an unwinder of our own reads them. It works out once how to go on from an
 * address (unwind_rows.h) and keeps that in a table, so that a frame costs some 60 instructions. While all of
 * a stack is in the table, nothing but the stack itself is read, within the thread's bounds: whatever was
 * loaded or unloaded since, that cannot fault. Where the table does not lead to an end, the stack is walked
 * again with rows that are worked out anew: each from the tables of what the thread is about to return into,
 * which nobody can unload. So where a library has taken the place of another, the other's rows are replaced
 * once they lead astray. They could lead to an end by chance: unwind_forget sees to it that there are none.
 *
 * Elsewhere libgcc's _Unwind_Backtrace reads the stack. It takes the loader's lock for each frame, unless
 * both glibc (2.35) and libgcc (12) know better; and before libgcc 13 one of its own in programs that
 * register frames themselves (__register_frame). Each is held for a search only. */
#ifndef ARROWPOOL_PROFILE_UNWIND_H
#define ARROWPOOL_PROFILE_UNWIND_H

#include <stddef.h>
#include <stdint.h>

/** Look for what the C library offers; load libgcc_s where it will be needed.
 *  @param[in] own  any address in the library whose frames are left out; NULL: none are
 *  It takes the loader's lock, and may call malloc. Called once, preferably by the main thread, before the
 *  others. */
void unwind_start(const void *own);

/** End stacks with the first frame in [from, to), the interpreter's text: from there on, Python tells better.
 *  It begins with no such range. Thread-safe against unwind_stack, not against itself. */
void unwind_stop_at(uintptr_t from, uintptr_t to);

/** Forget how to go on from where: called after a library was loaded, or if that is not possible, before,
 * since it may have come in the place of one that was unloaded. Async-signal-safe and thread-safe; it takes
 * some microseconds. */
void unwind_forget(void);

/** A frame that is in a call, and its registers there. */
typedef struct unwind_frame {
  uintptr_t address; /* where the call returns to */
  uintptr_t sp, bp;  /* after that; on other processors than x86-64 both are 0 */
} unwind_frame;

/** Returns the frame of whoever called the function that asks. That function begins with the caller's rbp and
 * the return address, since its frame's own address is asked for. */
static inline __attribute__((always_inline)) unwind_frame unwind_caller(void) {
#if defined(__x86_64__)
  const uintptr_t *here = __builtin_frame_address(0);
  return (unwind_frame){here[1], (uintptr_t)(here + 2), here[0]};
#else
  return (unwind_frame){(uintptr_t)__builtin_return_address(0), 0, 0};
#endif
}

/** Read the calling thread's return addresses, innermost first.
 *  @param[in]  from  a frame that is still in its call: the first that is told
 *  @param[out] out   room for `most` addresses
 *  @param[in]  most  addresses; of a deeper stack these are the innermost
 *  Returns how many there are. What the stack has beyond is left out, and none is wrong, where it cannot be
 *  told: beyond a signal's frame, beyond code without tables (made at run time), and all of it on a stack
 * that is not the thread's own (an alternate signal stack, a coroutine's). Thread-safe, and keeps errno. It
 * takes no lock and no memory, but for a thread's first call (thread_stack.h), and where libgcc reads the
 * stack. */
size_t unwind_stack(unwind_frame from, uint64_t *out, size_t most);

#endif
