/* The slots themselves: tiers, the record of each slot, lists, and what the kernel is told about its pages.
 * It is private to slots.c, slots_borrow.c, slots_idle.c and slots_move.c.
 *
 * In a slot of a tier with huge pages the first one, the lead, is ordinary pages; the rest are huge ones once
 * the extent reaches them. An extent begins so far before the end of the lead that whatever would not fill a
 * huge page lies in the lead: nothing is lost to rounding, and growth begins on a huge page. */
#ifndef ARROWPOOL_MEMORY_SLOTS_TABLE_H
#define ARROWPOOL_MEMORY_SLOTS_TABLE_H

#include "base/round_up.h"
#include "memory/range.h"
#include "memory/slots.h"

#define SLOTS_MAX_TIERS 7
#define SLOTS_MAX_CUTS  16

typedef enum slots_list {
  SLOTS_UNLISTED,
  SLOTS_COLD,
  SLOTS_IDLE_FREE,
  SLOTS_IDLE_TAIL,
  SLOTS_LAZY_FREE, /* as the two above; what is idle was given back lazily */
  SLOTS_LAZY_TAIL,
  SLOTS_LISTS
} slots_list;

/* Offsets are in bytes from the slot's start. The slot's stripe protects all but what names another lock. */
typedef struct slot {
  size_t start, end;             /* of the extent; end 0: the slot is free */
  size_t owned;                  /* bytes that jemalloc has and has not yet released */
  size_t low, resident;          /* pages from low to resident may be resident, no others */
  _Atomic size_t idle;           /* how many of those count as idle; read under the tier's lock too */
  size_t writable;               /* how far it is writable; slots over WHOLE (slots_table.c) only */
  size_t marked;                 /* huge pages are advised from the lead to here; 0: not at all */
  size_t requested;              /* of the buffer; it belongs to who has the buffer */
  _Atomic int64_t stamp;         /* when pages last became idle (ms); read under the tier's lock too */
  uint32_t cuts[SLOTS_MAX_CUTS]; /* offsets (pages) at which mappings that were moved here begin or end */
  uint8_t cut_count;
  bool lazy;            /* its idle pages were given back lazily (idle.h) */
  bool stale;           /* pages could not be given back: none of the slot's read as zeros for sure */
  bool closed;          /* it has no access until slots_open */
  bool retired;         /* what the program did to it could not be undone: it serves nobody any more */
  _Atomic bool altered; /* the program changed its mappings: they are not for another buffer */
  bool warm;            /* the pages that were to be copied to were there when the extent was placed */
  _Atomic bool claimed; /* whoever frees the buffer has claimed it */
  uint8_t lg_alignment;
  uint8_t owner;       /* whose the buffer is; likewise */
  uint8_t list;        /* a slots_list; the tier's lock protects it and the links */
  uint32_t next, prev; /* index + 1 in the tier */
} slot;

typedef struct list_ends {
  uint32_t first, last;
} list_ends;

typedef struct tier {
  range_window addresses;
  range_window table; /* an array of slot */
  unsigned shift;
  int lock;                     /* its number in locks.h; it protects what follows */
  uint32_t count, used;         /* the slots there are, and those ever used, which are the first */
  list_ends lists[SLOTS_LISTS]; /* the newest slot comes first */
} tier;

extern tier slots_tiers[SLOTS_MAX_TIERS];
extern int slots_tier_count;
extern slots_policy slots_rules;
extern size_t slots_huge_page; /* bytes; a power of two */

/* A move empties the pages that it takes the place of, and leaves none in the source: both would have to be
 * touched again by the next buffers. So many bytes at most are rather copied, if the target's pages are
 * there: in small pages, that is several times faster than the page faults that it saves. */
#define SLOTS_COPIED_MOST ((size_t)1 << 20)

/* A slot as it is found from its index or from an address in it. */
typedef struct place {
  tier *t;
  slot *s;
  char *base;
  int lock;
} place;

place slots_place(tier *t, uint32_t index);
bool slots_find(const void *pointer, place *out);

static inline size_t slots_size(place at) { return (size_t)1 << at.t->shift; }
/* A slot of fewer than eight huge pages has no lead. */
static inline bool slots_has_lead(const tier *t) { return (size_t)1 << t->shift >= 8 * slots_huge_page; }

/* Returns the list for a live slot, whose lock the caller holds. */
static inline slots_list slots_list_of_live(const slot *s) {
  return !s->idle ? SLOTS_UNLISTED : s->lazy ? SLOTS_LAZY_TAIL : SLOTS_IDLE_TAIL;
}

/* Returns whether a list is of free slots, which whoever takes one off has to himself. */
static inline bool slots_list_is_of_free(slots_list list) {
  return list == SLOTS_IDLE_FREE || list == SLOTS_LAZY_FREE;
}

/* These change a tier's lists; the caller holds the tier's lock. */
void slots_list_remove(place at);
void slots_list_push(place at, slots_list list);

/* Makes the slot usable up to `end`, and advises huge pages where they belong. Returns false if the kernel
 * refuses. */
bool slots_open(place at, size_t end);

/* Returns whether an open slot still is usable: it is not after slots_renew or slots_fill_gaps found less
 * than before. */
static inline bool slots_is_usable(place at) { return !at.s->retired && !at.s->closed; }

/* Returns the end of the pages that a touch of the byte before `end` can make resident. */
size_t slots_resident_end(place at, size_t end);

/* Gives the pages [from, to) back; if the slot is `empty`, it also undoes what moves and the program left
 * behind. */
void slots_purge(place at, size_t from, size_t to, bool empty);

/* Undoes the advice of a free slot without pages, where the process has many mappings. */
void slots_unmark(place at);

/* Takes an empty slot's access rights, which count where writable addresses do. */
void slots_close(place at);

/* They do what range_renew and range_fill_gaps do, for [from, to) of the slot, with the advice that belongs
 * there. */
range_state slots_renew(place at, size_t from, size_t to);
range_state slots_fill_gaps(place at, size_t from, size_t to);

/* They take and return mappings that the slots add to the process, which may have a quarter of
 * vm.max_map_count, and tell whether so many are left: none where pages do not move. */
bool slots_mappings_take(int count);
void slots_mappings_return(int count);
bool slots_mappings_left(int count);
#define SLOTS_MARK_MAPPINGS 2 /* the advice for huge pages adds so many to a slot's one */

/* slots_move.c defines what follows. The first two take and release both slots' locks in their order. */
void slots_lock_both(place a, place b);
void slots_unlock_both(place a, place b);
/* Moves the pages of [source, source + length) to `target`, where none are resident, all of them or none. The
 * caller holds both slots' locks, and notes what is resident. Returns false if the kernel refuses, or it
 * would take too many mappings; then the target may not be usable any more (slots_is_usable). */
bool slots_move_pages(place from, place to, size_t source, size_t target, size_t length);

/* Moves idle pages of other slots to [from, to) of this one, none of which are resident yet though they
 * count as such; the caller holds no lock, and nobody uses those addresses. Returns whether it found any:
 * they have what was written there last. The slot may not be usable any more then. (slots_borrow.c) */
bool slots_borrow(place at, size_t from, size_t to);

/* slots_idle.c defines what follows. */
/* Returns where the slot's idle pages begin. */
static inline size_t slots_idle_from(const slot *s) {
  return s->end ? round_up(s->end, range_page_size()) : s->low;
}

/* Sets what the slot counts for as live and idle, under the slot's lock. `grown` is the change of its live
 * bytes. */
void slots_account(place at, ptrdiff_t grown);
/* They list the slot where it belongs now; the caller holds no lock. A free slot is listed by the one thread
 * that has it: the one that freed it, purged it, or took it off its list. */
void slots_relist_free(place at);
void slots_relist_live(place at);

#endif
