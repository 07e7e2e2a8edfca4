/* Hands out packed extents from chunks, a current one for each arena, and keeps their records. */
#include "memory/packed.h"

#include "base/locks.h"

#include <sys/mman.h>

#define OWNERS 64 /* more arenas than these share chunks, and lose only neighbourhood */

/* An arena's first chunk is of small pages, and of this size; later ones are larger, and huge where they may
 * be. */
#define FIRST_CHUNK PACKED_MOST
#define LATER_CHUNK (4 * PACKED_MOST)

/* A record holds the size that was asked for and, above it, whose the buffer is, and in which page of its
 * granule it begins, from 1 on. 0 says that none begins there. */
typedef _Atomic uint64_t record;
#define SIZE_BITS  40
#define BEGIN_BITS 48
#define ALTERED    ((uint64_t)1 << 63)

range_window packed_window;
static range_window table;
static size_t huge_page; /* bytes */
static slots_thp thp;
static _Atomic bool was_refused; /* fresh pages, once: a stretch without pages may be altered, or a gap */
static size_t next_chunk;        /* the offset of the first unused byte of the window */
static struct { char *next, *end; } chunks[OWNERS];

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

bool packed_init(size_t share, size_t huge_page_, slots_thp thp_) {
  huge_page = huge_page_;
  thp = thp_;
  if (!range_carve(&packed_window, share, larger(huge_page, PACKED_GRANULE)) ||
      !range_carve(&table, packed_window.size / PACKED_GRANULE * sizeof(record), RANGE_UNIT)) {
    packed_window.size = 0;
    return false;
  }
  if (thp == SLOTS_THP_ALWAYS)
    madvise(packed_window.base, packed_window.size, MADV_HUGEPAGE);
  return true;
}

/* ---- chunks ---- */

/* Takes a whole chunk off the window. */
static char *take_chunk(size_t size, bool huge) {
  size_t start = next_chunk, end = start + size;
  if (size > packed_window.size - start || !range_commit(&table, end / PACKED_GRANULE * sizeof(record)) ||
      !range_commit(&packed_window, end))
    return NULL;
  next_chunk = end;
  if (huge && thp == SLOTS_THP_AUTO)
    madvise(packed_window.base + start, size, MADV_HUGEPAGE);
  return packed_window.base + start;
}

void *packed_allocate(unsigned arena, size_t size) {
  char **next = &chunks[arena % OWNERS].next, **end = &chunks[arena % OWNERS].end, *extent = NULL;
  locks_acquire(LOCK_PACKED);
  if ((size_t)(*end - *next) < size) {
    bool first = !*next;
    size_t chunk = first ? larger(FIRST_CHUNK, huge_page) : larger(LATER_CHUNK, huge_page);
    char *fresh = take_chunk(chunk, !first);
    if (fresh && fresh != *end)
      *next = fresh;
    if (fresh)
      *end = fresh + chunk;
  }
  if ((size_t)(*end - *next) >= size) {
    extent = *next;
    *next += size;
  }
  locks_release(LOCK_PACKED);
  return extent;
}

bool packed_may_merge(const void *from, const void *to) {
  size_t first = (size_t)((const char *)from - packed_window.base);
  size_t last = (size_t)((const char *)to - packed_window.base) - 1;
  return first / LATER_CHUNK == last / LATER_CHUNK;
}

bool packed_renew(void *from, size_t size) {
  range_state state = range_renew(from, size);
  if (state == RANGE_FRESH) /* a first chunk's are made huge with the others; few buffers are altered */
    madvise(from, size, thp == SLOTS_THP_NEVER ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
  else
    atomic_store(&was_refused, true);
  return state == RANGE_FRESH;
}

bool packed_release_pages(void *from, size_t size) {
  return (!range_is_one_mapping(from, size) && packed_renew(from, size)) || range_release_pages(from, size) ||
         !range_is_mapped(from, size); /* a gap has no pages, either */
}

bool packed_make_usable(void *from, size_t size) {
  if (!atomic_load_explicit(&was_refused, memory_order_relaxed))
    return true;
  for (size_t at = 0; at < size; at += range_page_size())
    if (!range_owns((char *)from + at))
      return false;
  return packed_renew(from, size);
}

/* ---- records ---- */

static record *record_of(const void *address) {
  size_t index = (size_t)((const char *)address - packed_window.base) / PACKED_GRANULE;
  return (record *)(void *)table.base + index;
}

/* Returns the part of a record that says where the buffer begins. */
static uint64_t begin_of(const void *address) {
  size_t offset = (size_t)((const char *)address - packed_window.base) % PACKED_GRANULE;
  return (uint64_t)(offset / range_page_size() + 1) << BEGIN_BITS;
}

static uint64_t begin_in(uint64_t entry) { return (entry & ~ALTERED) >> BEGIN_BITS << BEGIN_BITS; }
static uint64_t size_in(uint64_t entry) { return entry & (((uint64_t)1 << SIZE_BITS) - 1); }

/* Returns whether the record is of a buffer that begins at the address. */
static bool is_of(uint64_t entry, const void *address) {
  return begin_in(entry) == begin_of(address) && ((uintptr_t)address & (range_page_size() - 1)) == 0;
}

/* Returns the record of the live buffer that begins at the address; NULL if there is none. The table is
 * writable only as far as it is used. */
static record *live_record(const void *address) {
  record *r = record_of(address);
  size_t upto = (size_t)((const char *)(r + 1) - table.base);
  bool known = upto <= atomic_load_explicit(&table.writable, memory_order_acquire) &&
               is_of(atomic_load_explicit(r, memory_order_relaxed), address);
  return known ? r : NULL;
}

void packed_enter(void *buffer) {
  atomic_store_explicit(record_of(buffer), begin_of(buffer), memory_order_relaxed);
}

bool packed_is_live(const void *address) { return live_record(address); }

bool packed_claim(void *address) {
  record *r = live_record(address);
  return r && is_of(atomic_exchange_explicit(r, 0, memory_order_relaxed), address);
}

void packed_set_requested(const void *buffer, size_t size) {
  record *r = record_of(buffer);
  uint64_t altered = atomic_load_explicit(r, memory_order_relaxed) & ALTERED;
  atomic_store_explicit(r, begin_of(buffer) | altered | size, memory_order_relaxed);
}

size_t packed_requested(const void *buffer) {
  return size_in(atomic_load_explicit(record_of(buffer), memory_order_relaxed));
}

void packed_set_owner(const void *buffer, unsigned owner) {
  atomic_fetch_or_explicit(record_of(buffer), (uint64_t)owner << SIZE_BITS, memory_order_relaxed);
}

unsigned packed_owner(const void *buffer) {
  return (uint8_t)(atomic_load_explicit(record_of(buffer), memory_order_relaxed) >> SIZE_BITS);
}

/* A buffer of up to PACKED_MOST bytes that begins before the stretch may reach into it. Those that do not are
 * marked as well, which costs them no more than a call when they are freed. */
void packed_note_altered(const void *from, size_t size) {
  size_t base = (size_t)packed_window.base, begin = (size_t)from, end = begin + size;
  size_t used = atomic_load_explicit(&table.writable, memory_order_acquire) / sizeof(record) * PACKED_GRANULE;
  used = used < packed_window.size ? used : packed_window.size;
  if (end <= base || begin >= base + used)
    return;
  begin = begin > base + PACKED_MOST ? begin - PACKED_MOST : base;
  end = end < base + used ? end : base + used;
  for (record *r = record_of((const void *)begin), *last = record_of((const void *)(end - 1)); r <= last;
       r++) {
    uint64_t entry = atomic_load_explicit(r, memory_order_relaxed);
    while (entry && !atomic_compare_exchange_weak(r, &entry, entry | ALTERED)) {
    }
  }
}

bool packed_is_altered(const void *buffer) {
  return atomic_load_explicit(record_of(buffer), memory_order_relaxed) & ALTERED;
}
