/* Finds misuse and tells of it. Lines are written as findings go: by write(2) only, each in one call. */
#include "pool/guard.h"

#include "base/nocancel.h"
#include "base/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

arrowpool_debug guard_mode;

static guard_tell tell_line;
static _Atomic bool
    lost; /* a buffer found no room in the table: what is not there may be ours all the same */

void guard_start(arrowpool_debug mode, guard_tell tell) {
  tell_line = tell;
  guard_mode = mode;
}

/* ---- guard bytes ---- */

/* Returns bytes of which no two neighbours are alike, and none is a value that programs like to write. */
static uint8_t guard_byte(size_t index) { return (uint8_t)(0xa7 + index * 29); }

static void *write_guard(void *buffer, size_t size) {
  for (size_t i = 0; buffer && i < GUARD_SIZE; i++)
    ((uint8_t *)buffer)[size + i] = guard_byte(i);
  return buffer;
}

/* An overrun begins at the first byte behind the buffer's end that was overwritten, and ends at the last. */
typedef struct overrun {
  size_t offset, bytes; /* bytes 0: there is none */
} overrun;

static overrun find_overrun(const guard_buffer *b) {
  const uint8_t *guard = (const uint8_t *)b->address + b->size;
  overrun found = {0, 0};
  for (size_t i = 0; i < GUARD_SIZE; i++)
    if (guard[i] != guard_byte(i)) {
      found.offset = found.bytes ? found.offset : b->size + i;
      found.bytes = b->size + i + 1 - found.offset;
    }
  return found;
}

/* ---- telling ---- */

typedef struct line {
  writer w;
  char text[1024];
  writer_kept kept;
} line;

/* Two arguments for "%ld %s". */
#define BYTES(count) (int64_t)(count), (count) == 1 ? "byte" : "bytes"

static void guard_begin(line *l, const char *pool, const guard_buffer *b) {
  l->kept = (writer_kept){l->text, sizeof l->text - 1, 0}; /* one byte is for the end of the line */
  writer_init(&l->w, writer_keep, &l->kept);
  writer_print(&l->w, "%sdebug: pool %s: buffer %p", tell_line ? "" : "arrowpool: ", pool, b->address);
  if (b->size)
    writer_print(&l->w, " of %ld %s, alignment %ld", BYTES(b->size), (int64_t)b->alignment);
  writer_text(&l->w, ": ");
}

static void say(const line *l) {
  int cancel_state = nocancel_begin();
  if (tell_line)
    tell_line(l->text);
  else if (write(STDERR_FILENO, l->text, l->kept.used) < 0) {
    /* there is nobody to tell */
  }
  nocancel_end(cancel_state);
}

/* Ends a line, and the program where the mode says so. A debugger can go on after the trap. */
static void guard_end(line *l, const char *act) {
  int saved = errno;
  writer_print(&l->w, ", found at %s", act);
  writer_finish(&l->w);
  if (!tell_line)
    l->text[l->kept.used++] = '\n';
  say(l);
  if (guard_mode == ARROWPOOL_DEBUG_TRAP)
    raise(SIGTRAP);
  else if (guard_mode == ARROWPOOL_DEBUG_ABORT)
    abort();
  errno = saved;
}

static void tell_overrun(const guard_buffer *b, overrun o, const char *act) {
  line l;
  guard_begin(&l, b->pool, b);
  writer_print(&l.w, "%ld %s behind its end %s overwritten (offset %ld)", BYTES(o.bytes),
               o.bytes == 1 ? "was" : "were", (int64_t)o.offset);
  guard_end(&l, act);
}

static void tell_size(const guard_buffer *b, const guard_call *call) {
  line l;
  guard_begin(&l, b->pool, b);
  writer_print(&l.w, "the caller said %ld %s", BYTES(call->size));
  guard_end(&l, call->act);
}

static void tell_alignment(const guard_buffer *b, const guard_call *call) {
  line l;
  guard_begin(&l, b->pool, b);
  writer_print(&l.w, "the caller said alignment %ld", call->alignment);
  guard_end(&l, call->act);
}

static void tell_double_free(const guard_buffer *b, const guard_call *call) {
  line l;
  guard_begin(&l, b->pool, b);
  writer_text(&l.w, "freed already");
  if (b->pool != call->pool)
    writer_print(&l.w, ", and now given to pool %s", call->pool);
  guard_end(&l, call->act);
}

static void tell_foreign(const guard_buffer *live, const guard_call *call) {
  line l;
  guard_begin(&l, call->pool, live->address ? live : &(guard_buffer){.address = call->address});
  if (live->address)
    writer_print(&l.w, "it belongs to pool %s", live->pool);
  else
    writer_text(&l.w, "no pool handed it out");
  if (!live->address && call->size > 0)
    writer_print(&l.w, " (told as %ld %s, alignment %ld)", BYTES(call->size), call->alignment);
  guard_end(&l, call->act);
}

/* ---- for pools ---- */

void guard_enter(const guard_buffer *b) {
  if (!guard_table_enter(b))
    lost = true;
}

static void check(const guard_buffer *b, const guard_call *call) {
  overrun o = find_overrun(b);
  if (o.bytes)
    tell_overrun(b, o, call->act);
  if (call->size >= 0 && (size_t)call->size != b->size)
    tell_size(b, call);
  if (call->alignment > 0 && (size_t)call->alignment != b->alignment)
    tell_alignment(b, call);
}

/* Returns what may be one that found no room in the table: it is taken to be as told. */
static guard_buffer untracked(const guard_call *call) {
  size_t size = call->size > 0 ? (size_t)call->size : call->backend->usable_size(call->address) - GUARD_SIZE;
  size_t alignment = call->alignment > 0 ? (size_t)call->alignment : ARROWPOOL_DEFAULT_ALIGNMENT;
  return (guard_buffer){.address = call->address, .size = size, .alignment = alignment, .pool = call->pool};
}

bool guard_withdraw(const guard_call *call, guard_buffer *out) {
  guard_record found = guard_table_free(call->address, call->pool);
  *out = found.live;
  if (found.live.address && found.live.pool == call->pool) {
    check(&found.live, call);
    return true;
  }
  bool unknown = !found.live.address && !found.freed.address;
  if (unknown && lost) {
    *out = untracked(call);
    return true;
  }
  if (found.live.address || unknown)
    tell_foreign(&found.live, call);
  else
    tell_double_free(&found.freed, call);
  return false;
}

bool guard_is_live(const void *address) { return guard_table_is_live(address); }

const char *guard_pool_of(const void *address) {
  guard_record found = guard_table_find(address);
  return found.live.address ? found.live.pool : found.freed.address ? found.freed.pool : NULL;
}

bool guard_look_up(const void *address) {
  guard_record found = guard_table_find(address);
  return found.live.told || found.freed.told;
}

/* ---- what is live at exit ---- */

typedef struct live_overrun {
  guard_buffer buffer;
  overrun overrun;
} live_overrun;

/* Returns whether it was overrun. The guard is as new afterwards. */
static bool is_overrun(const guard_buffer *b, void *context) {
  live_overrun *out = context;
  *out = (live_overrun){*b, find_overrun(b)};
  if (out->overrun.bytes)
    write_guard(b->address, b->size);
  return out->overrun.bytes;
}

void guard_check_live(void) {
  live_overrun found;
  while (guard_mode != ARROWPOOL_DEBUG_OFF && guard_table_any(is_overrun, &found))
    tell_overrun(&found.buffer, found.overrun, "exit");
}

/* It runs before the shim's last dump (101). */
__attribute__((destructor(102))) static void check_at_exit(void) { guard_check_live(); }

/* ---- backends ---- */

static size_t guard_alignment_of(void *buffer) {
  guard_buffer live = guard_table_find(buffer).live;
  return live.address ? live.alignment : ARROWPOOL_DEFAULT_ALIGNMENT;
}

static size_t usable_size(const backend *behind, void *buffer) {
  guard_buffer live = {0};
  if (guard_mode != ARROWPOOL_DEBUG_OFF)
    live = guard_table_find(buffer).live;
  return live.address ? live.size : behind->usable_size(buffer);
}

static void *guard_reallocate(const backend *behind, void *buffer, size_t old_size, size_t new_size,
                              size_t alignment, backend_resize *how) {
  void *resized = behind->reallocate(buffer, old_size + GUARD_SIZE, new_size + GUARD_SIZE, alignment, how);
  return write_guard(resized, new_size);
}

#define GUARDED(behind, title, ...)                                                                          \
  static void *behind##_allocate(size_t size, size_t alignment) {                                            \
    return write_guard(behind.allocate(size + GUARD_SIZE, alignment), size);                                 \
  }                                                                                                          \
  static void *behind##_reallocate(void *buffer, size_t old_size, size_t new_size, size_t alignment,         \
                                   backend_resize *how) {                                                    \
    return guard_reallocate(&behind, buffer, old_size, new_size, alignment, how);                            \
  }                                                                                                          \
  static void behind##_free(void *buffer, size_t size, size_t alignment) {                                   \
    (void)size;                                                                                              \
    behind.free(buffer, 0, alignment);                                                                       \
  }                                                                                                          \
  static size_t behind##_usable_size(void *buffer) { return usable_size(&behind, buffer); }                  \
  static size_t behind##_remember(void *buffer, size_t requested) {                                          \
    (void)buffer;                                                                                            \
    return requested;                                                                                        \
  }                                                                                                          \
  static void behind##_release_unused(void) { behind.release_unused(); }                                     \
  const backend title = {.allocate = behind##_allocate,                                                      \
                         .reallocate = behind##_reallocate,                                                  \
                         .free = behind##_free,                                                              \
                         .usable_size = behind##_usable_size,                                                \
                         .remember = behind##_remember,                                                      \
                         .recall = behind##_usable_size,                                                     \
                         .forget = behind##_usable_size,                                                     \
                         .alignment = guard_alignment_of,                                                    \
                         .release_unused = behind##_release_unused,                                          \
                         __VA_ARGS__}

GUARDED(backend_jemalloc, guard_jemalloc, .name = "jemalloc", .owned = &range_all);
GUARDED(backend_system, guard_system, .name = "system", .owned = NULL);

const backend *guard_over(const backend *b) { return b->owned ? &guard_jemalloc : &guard_system; }
