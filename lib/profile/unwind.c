/* Walks the calling thread's stack. */
#include "profile/unwind.h"

#include "profile/loaded.h"
#include "profile/thread_stack.h"
#include "profile/unwind_rows.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <unwind.h>

#if defined(__x86_64__)
#define HAS_ROWS 1
#else
#define HAS_ROWS 0
#endif

/* ---- what belongs into a stack ---- */

static uintptr_t own_from, own_size; /* the text whose frames are left out */

static _Atomic uintptr_t stop_from, stop_size; /* the text that ends a stack; a size of 0: none */

void unwind_stop_at(uintptr_t from, uintptr_t to) {
  atomic_store_explicit(&stop_size, 0, memory_order_relaxed);
  atomic_store_explicit(&stop_from, from, memory_order_release);
  atomic_store_explicit(&stop_size, to - from, memory_order_release);
}

typedef struct collected {
  uint64_t *at, *end;
  uintptr_t stop_from, stop_size;
} collected;

/* NOLINTNEXTLINE(readability-non-const-parameter): `add` writes there */
static collected collect(uint64_t *out, size_t most) {
  collected c = {.at = out, .end = out + most};
  c.stop_size = atomic_load_explicit(&stop_size, memory_order_acquire);
  c.stop_from = atomic_load_explicit(&stop_from, memory_order_relaxed);
  return c;
}

/* Returns whether the stack may go on. */
static inline __attribute__((always_inline)) bool add(collected *c, uintptr_t address) {
  if (address - own_from < own_size)
    return true;
  *c->at++ = address;
  return c->at != c->end && address - c->stop_from >= c->stop_size;
}

/* ---- by rows ---- */

#if HAS_ROWS
/* Rows by the address that they are for, which has 47 bits. Multiplied by an odd number it becomes another of
 * 47 bits, of which the upper ones are the place in the table, and the others stand in front of the row. So a
 * row is read and written at once, and is never another address's. */
#define ADDRESS_BITS 47
#define PLACE_BITS   13
#define WAYS         2

_Static_assert(ADDRESS_BITS - PLACE_BITS + UNWIND_ROW_BITS == 64, "an entry is a word");

static _Atomic uint64_t rows[1 << PLACE_BITS][WAYS];

static inline uint64_t mixed(uintptr_t address) {
  return address * UINT64_C(0x9e3779b97f4a7c15) << (64 - ADDRESS_BITS);
}

/* Returns UNWIND_NO_ROW if the table has none. */
static inline __attribute__((always_inline)) unwind_row recall(uintptr_t address) {
  uint64_t key = mixed(address), tag = key << PLACE_BITS;
  _Atomic uint64_t *place = rows[key >> (64 - PLACE_BITS)];
  uint64_t first = atomic_load_explicit(&place[0], memory_order_relaxed) ^ tag;
  if (__builtin_expect(first >> UNWIND_ROW_BITS == 0, true))
    return (unwind_row)first;
  uint64_t second = atomic_load_explicit(&place[1], memory_order_relaxed) ^ tag;
  return second >> UNWIND_ROW_BITS == 0 ? (unwind_row)second : UNWIND_NO_ROW;
}

/* Works the row out and keeps it: in place of an older one for the address, else of the one that came first.
 */
static unwind_row renew(uintptr_t address) {
  uint64_t key = mixed(address), tag = key << PLACE_BITS;
  _Atomic uint64_t *place = rows[key >> (64 - PLACE_BITS)];
  unwind_row row = unwind_rows_work_out(address);
  uint64_t first = atomic_load_explicit(&place[0], memory_order_relaxed);
  if ((first ^ tag) >> UNWIND_ROW_BITS != 0)
    atomic_store_explicit(&place[1], first, memory_order_relaxed);
  atomic_store_explicit(&place[0], tag | row, memory_order_relaxed);
  return row;
}

void unwind_forget(void) {
  for (size_t place = 0; place < sizeof rows / sizeof *rows; place++)
    for (int way = 0; way < WAYS; way++)
      atomic_store_explicit(&rows[place][way], 0, memory_order_relaxed);
}

typedef uintptr_t stack_word __attribute__((may_alias));

/* A sanitizer knows nothing of what lies between variables, and of other threads' variables in between. */
static inline __attribute__((no_sanitize_address, no_sanitize_thread)) uintptr_t word_at(uintptr_t address) {
  return *(const stack_word *)address;
}

static inline bool is_word_within(uintptr_t address, uintptr_t from, uintptr_t to) {
  return address >= from && address < to && address % sizeof(stack_word) == 0;
}

/* Goes on to the caller. Returns false if there is none, or the row cannot be of this frame. */
static inline __attribute__((always_inline)) bool step(unwind_frame *f, unwind_row row, uintptr_t end) {
  unwind_kind kind = unwind_row_kind(row);
  uintptr_t cfa = (kind == UNWIND_BY_SP ? f->sp : f->bp) + (uintptr_t)unwind_row_offset(row);
  uintptr_t saved = unwind_row_saved(row), bp = f->bp;
  if (__builtin_expect(kind != UNWIND_BY_SP && kind != UNWIND_BY_BP, false)) {
    if (kind != UNWIND_STORED || !is_word_within(cfa, f->sp, end) || !is_word_within(bp, f->sp, end))
      return false;
    cfa = word_at(cfa);
    bp = word_at(bp);
  }
  uintptr_t size = cfa - f->sp;
  if (size - 1 >= end - f->sp || size % sizeof(stack_word) != 0 || saved > size)
    return false;
  f->address = word_at(cfa - sizeof(stack_word));
  f->bp = saved ? word_at(cfa - saved) : bp;
  f->sp = cfa;
  return (f->address - 1) >> ADDRESS_BITS == 0; /* nor is it 0 */
}

/* Walks by rows from the table, or by new ones. Returns false if it went astray, or a row is missing. */
static inline __attribute__((always_inline)) bool walk(unwind_frame f, uintptr_t end, bool anew,
                                                       collected *into) {
  while (add(into, f.address)) {
    unwind_row row = anew ? renew(f.address - 1) : recall(f.address - 1);
    if (!step(&f, row, end))
      return unwind_row_kind(row) == UNWIND_OUTERMOST || unwind_row_kind(row) == UNWIND_UNKNOWN;
  }
  return true;
}

static __attribute__((noinline)) size_t walk_anew(unwind_frame f, uintptr_t end, uint64_t *out, size_t most) {
  collected all = collect(out, most);
  int saved = errno;
  walk(f, end, true, &all);
  errno = saved;
  return (size_t)(all.at - out);
}
#else
void unwind_forget(void) {}
#endif

/* ---- by libgcc ---- */

static _Unwind_Reason_Code (*libgcc_backtrace)(_Unwind_Trace_Fn, void *);
static _Unwind_Ptr (*libgcc_address)(struct _Unwind_Context *);

static void load_libgcc(void) {
  void *library = dlopen("libgcc_s.so.1", RTLD_LAZY);
  if (library) {
    libgcc_address = (_Unwind_Ptr(*)(struct _Unwind_Context *))dlsym(library, "_Unwind_GetIP");
    libgcc_backtrace = (_Unwind_Reason_Code(*)(_Unwind_Trace_Fn, void *))dlsym(library, "_Unwind_Backtrace");
  }
  if (!libgcc_address || !libgcc_backtrace) {
    libgcc_backtrace = NULL;
    dlerror(); /* NOLINT(concurrency-mt-unsafe): as in loaded.c */
  }
}

typedef struct backtrace {
  collected all;
  uintptr_t first; /* the innermost address that is wanted */
  bool begun;
} backtrace;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *data) {
  backtrace *b = data;
  uintptr_t address = libgcc_address(context);
  b->begun = b->begun || address == b->first;
  if (!b->begun)
    return _URC_NO_REASON;
  return address && add(&b->all, address) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static __attribute__((noinline)) size_t walk_with_libgcc(uintptr_t first, uint64_t *out, size_t most) {
  backtrace b = {.all = collect(out, most), .first = first};
  int saved = errno;
  if (libgcc_backtrace)
    libgcc_backtrace(add_frame, &b);
  errno = saved;
  return (size_t)(b.all.at - out);
}

/* ---- ---- */

/* Notes where the object's text is: from its first executable segment to the end of its last. */
static void leave_out(const loaded_object *o) {
  uintptr_t from = UINTPTR_MAX, to = 0;
  for (size_t i = 0; i < o->header_count; i++) {
    const Elf64_Phdr *segment = &o->headers[i];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
      continue;
    uintptr_t begin = o->bias + segment->p_vaddr, end = begin + segment->p_memsz;
    from = begin < from ? begin : from;
    to = end > to ? end : to;
  }
  own_from = from;
  own_size = to > from ? to - from : 0;
}

void unwind_start(const void *own) {
  loaded_object object;
  int saved = errno;
  loaded_start();
  thread_stack_start();
  own_size = 0;
  if (own && loaded_find((uintptr_t)own, &object))
    leave_out(&object);
  if (!HAS_ROWS || !loaded_is_lock_free())
    load_libgcc();
  errno = saved;
}

size_t unwind_stack(unwind_frame from, uint64_t *out, size_t most) {
  if (most == 0)
    return 0;
#if HAS_ROWS
  if (loaded_is_lock_free()) {
    collected all = collect(out, most);
    uintptr_t end = thread_stack_end(from.sp);
    if (end && !walk(from, end, false, &all))
      return walk_anew(from, end, out, most);
    return (size_t)(all.at - out);
  }
#endif
  return walk_with_libgcc(from.address, out, most);
}
