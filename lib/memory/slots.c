/* Places, grows and releases the extents in slots. slots_table.c has what the kernel is told, slots_idle.c
 * the idle pages, slots_move.c the moves. */
#include "memory/slots.h"

#include "base/locks.h"
#include "base/round_up.h"
#include "memory/idle.h"
#include "memory/slots_table.h"

#include <string.h>

/* This is what slots_expect announced for the calling thread. */
static __thread struct {
  bool moving;
  size_t start, size; /* of the buffer that will move here */
  bool congruent;     /* the buffer's slot has a lead already */
  bool grows;
} expected;

void slots_expect(const void *buffer, size_t size, bool grows) {
  place at;
  expected.grows = grows;
  expected.moving = buffer && slots_find(buffer, &at);
  if (expected.moving) {
    expected.start = (size_t)((const char *)buffer - at.base);
    expected.size = round_up(size, range_page_size());
    expected.congruent = slots_has_lead(at.t);
  }
}

/* Returns whether a small extent gets a huge page of its own, and room to grow on: it will fill both, and
 * moves no more. As much as that may be idle for little that is live. */
static bool gets_huge_page(size_t size, size_t alignment) {
  return expected.grows && !expected.moving && size <= slots_huge_page && alignment <= range_page_size() &&
         slots_rules.thp == SLOTS_THP_AUTO && slots_mappings_left(SLOTS_MARK_MAPPINGS) &&
         !range_is_frugal() && idle_has_room(slots_huge_page);
}

/* Returns where an extent begins in a slot with a lead. Bytes that would leave most of a huge page unused go
 * into the lead; pages that are to move there end with it, or keep their offset, so that huge pages move as
 * such. */
static size_t start_in_lead(size_t size) {
  if (expected.moving && expected.congruent)
    return expected.start;
  if (range_is_frugal()) /* an empty lead would be charged */
    return expected.moving ? slots_huge_page - expected.size % slots_huge_page : 0;
  size_t odd = (expected.moving ? expected.size : size) % slots_huge_page;
  size_t waste = odd ? slots_huge_page - odd : 0;
  return slots_huge_page - (waste > size / 16 ? odd : 0);
}

static size_t start_of(place at, size_t size, size_t alignment, bool huge) {
  size_t start = huge ? slots_huge_page : slots_has_lead(at.t) ? start_in_lead(size) : 0;
  if (alignment > range_page_size() && start % slots_huge_page)
    start = slots_huge_page;
  if (alignment > slots_huge_page) /* the slot's own start may be the only aligned address in it */
    start = 0;
  return round_up((uintptr_t)at.base + start, alignment) - (uintptr_t)at.base;
}

/* Returns whether the slot, which is free and on no list, has idle pages for the extent: for all of it, or,
 * where it would begin at `start`, for what is going to be copied there. */
static bool is_warm(place at, size_t start, size_t size, size_t alignment) {
  slot *s = at.s;
  bool all = s->low + size <= s->resident && (((uintptr_t)at.base + s->low) & (alignment - 1)) == 0;
  return all || (start == s->low && expected.moving && start + expected.size <= s->resident);
}

/* Returns the number of a slot on the list whose idle pages fit the size best: what there is too much of
 * stays idle behind the buffer, and what is missing has to be touched. It looks at a few, the newest first; 0
 * means that the list is empty. Writes how many bytes are idle in the slot. */
static uint32_t find_idle(tier *t, slots_list list, size_t size, size_t *most) {
  uint32_t best = 0, number = t->lists[list].first;
  *most = 0;
  for (int tries = 8; number && tries; tries--) {
    slot *s = slots_place(t, number - 1).s;
    size_t idle = atomic_load_explicit(&s->idle, memory_order_relaxed);
    if (!best || (*most < size ? idle > *most : idle >= size && idle < *most)) {
      best = number;
      *most = idle;
    }
    number = s->next;
  }
  return best;
}

/* The same of both lists: pages that the kernel may have taken come second. */
static uint32_t find_best(tier *t, size_t size) {
  size_t idle, lazy = 0;
  uint32_t number = find_idle(t, SLOTS_IDLE_FREE, size, &idle);
  uint32_t other = idle < size ? find_idle(t, SLOTS_LAZY_FREE, size, &lazy) : 0;
  return lazy >= size || !number ? other : number;
}

/* Returns whether the extent will have the pages of another, in place of what is idle there. */
static bool brings_pages(void) { return expected.moving && expected.size > SLOTS_COPIED_MOST; }

/* Takes a slot off the tier's lists: one with idle pages if there is one and they are of use, else a fresh
 * one. */
static bool take_slot(tier *t, size_t size, place *out) {
  uint32_t index;
  locks_acquire(t->lock);
  uint32_t number = brings_pages() ? 0 : find_best(t, size);
  if (!number)
    number = t->lists[SLOTS_COLD].first;
  if (number) {
    index = number - 1;
    slots_list_remove(slots_place(t, index));
  } else {
    bool fresh = t->used < t->count && range_commit(&t->table, (t->used + (size_t)1) * sizeof(slot));
    index = fresh ? t->used++ : UINT32_MAX;
  }
  locks_release(t->lock);
  if (index == UINT32_MAX)
    return false;
  *out = slots_place(t, index);
  return true;
}

/* Pages of a slot that are touched next (offsets in bytes). */
typedef struct stretch {
  size_t from, to;
} stretch;

/* Notes that the extent's pages will be touched up to its end. Returns those that are fresh. */
static stretch raise_resident(slot *s, size_t touched) {
  stretch fresh = {s->resident, touched};
  s->resident = s->resident > touched ? s->resident : touched;
  return fresh;
}

/* Sets the slot up for the extent [start, start + size). Returns false if it cannot be made usable. */
static bool occupy(place at, size_t start, size_t size, size_t alignment, bool warm, bool *zeroed,
                   stretch *fresh) {
  slot *s = at.s;
  size_t end = start + size;
  locks_acquire(at.lock);
  bool open = !s->retired && slots_open(at, end); /* a purge of its tail may have retired it on its list */
  if (open) {
    bool cold = s->resident <= s->low;
    *zeroed = cold && !s->stale;
    s->warm = warm;
    if (!cold && start > s->low) /* what the last buffer had there is nobody's now */
      slots_purge(at, s->low, start < s->resident ? start : s->resident, false);
    if (cold || s->resident < start)
      s->resident = start;
    s->low = start;
    s->start = start;
    s->end = end;
    s->owned = s->requested = size;
    s->lg_alignment = (uint8_t)__builtin_ctzl(alignment);
    s->owner = 0;
    atomic_store_explicit(&s->claimed, false, memory_order_relaxed);
    *fresh = raise_resident(s, slots_resident_end(at, end));
    if (expected.moving && fresh->from < start + expected.size)
      fresh->from = start + expected.size;
    slots_account(at, (ptrdiff_t)size);
  }
  locks_release(at.lock);
  return open;
}

/* Serves the extent from the first tier in which it fits; with `huge`, of those with a lead. */
static void *allocate_from_tiers(size_t size, size_t alignment, bool huge, bool *zeroed) {
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++) {
    place at = slots_place(t, 0);
    size_t room = slots_size(at);
    /* Slots of a tier are aligned alike, up to what their window is aligned to. */
    if ((huge && !slots_has_lead(t)) || size > room || alignment > room ||
        start_of(at, size, alignment, huge) > room - size || !take_slot(t, size, &at))
      continue;
    size_t start = start_of(at, size, alignment, huge);
    bool warm = !brings_pages() && is_warm(at, start, size, alignment);
    start = warm ? at.s->low : start;
    stretch fresh;
    if (start > room - size || !occupy(at, start, size, alignment, warm, zeroed, &fresh)) {
      slots_relist_free(at);
      continue;
    }
    if (at.s->idle)
      slots_relist_live(at);
    *zeroed &= !slots_borrow(at, fresh.from, fresh.to);
    if (slots_is_usable(at))
      return at.base + start;
    slots_release(at.base + start, size);
  }
  return NULL;
}

void *slots_allocate(size_t size, size_t alignment, bool *zeroed) {
  void *extent = gets_huge_page(size, alignment) ? allocate_from_tiers(size, alignment, true, zeroed) : NULL;
  return extent ? extent : allocate_from_tiers(size, alignment, false, zeroed);
}

bool slots_extend(void *end, size_t size, bool *zeroed) {
  place at;
  stretch fresh;
  if (!slots_find((char *)end - 1, &at))
    return false;
  locks_acquire(at.lock);
  slot *s = at.s;
  slots_list list = slots_list_of_live(s);
  bool fits = (char *)end == at.base + s->end && !s->retired && size <= slots_size(at) - s->end &&
              slots_open(at, s->end + size);
  if (fits) {
    *zeroed = s->resident <= s->end && !s->stale;
    s->end += size;
    s->owned += size;
    fresh = raise_resident(s, slots_resident_end(at, s->end));
    slots_account(at, (ptrdiff_t)size);
  }
  bool relist = fits && list != slots_list_of_live(s);
  locks_release(at.lock);
  if (relist)
    slots_relist_live(at);
  if (!fits)
    return false;
  *zeroed &= !slots_borrow(at, fresh.from, fresh.to);
  if (slots_is_usable(at))
    return true;
  slots_release(end, size);
  return false;
}

static void release(void *start, size_t size, bool kept) {
  place at;
  if (!slots_find(start, &at))
    return;
  locks_acquire(at.lock);
  slot *s = at.s;
  s->owned -= size;
  bool is_free = s->owned == 0;
  if (is_free)
    s->end = 0;
  else if ((char *)start + size == at.base + s->end)
    s->end -= size;
  if (is_free && s->resident < s->low)
    s->resident = s->low;
  if (!kept || (is_free && (s->altered || (s->resident == s->low && s->cut_count)))) {
    size_t from = is_free ? s->low : round_up(s->end, range_page_size());
    slots_purge(at, from, s->resident, is_free);
    s->resident = from < s->resident ? from : s->resident;
  }
  slots_account(at, -(ptrdiff_t)size);
  bool idle = s->idle > 0;
  if (is_free && s->resident == s->low && range_is_frugal())
    slots_close(at);
  locks_release(at.lock);
  if (is_free)
    slots_relist_free(at);
  else if (idle)
    slots_relist_live(at);
  slots_bound_idle();
}

void slots_release(void *start, size_t size) { release(start, size, idle_is_kept()); }

void slots_release_unused(void *start, size_t size) { release(start, size, false); }

/* Returns the slot whose live buffer begins at the address. The slot's record may be one that was never used:
 * its table is writable only as far as it is used. */
static slot *live_slot(const void *address) {
  place at;
  if (!slots_find(address, &at))
    return NULL;
  size_t upto = (size_t)((char *)(at.s + 1) - at.t->table.base);
  bool live = upto <= atomic_load_explicit(&at.t->table.writable, memory_order_acquire) && at.s->end &&
              at.base + at.s->start == (const char *)address && !at.s->claimed;
  return live ? at.s : NULL;
}

bool slots_is_live(const void *address) { return live_slot(address); }

bool slots_claim(const void *address) {
  slot *s = live_slot(address);
  return s && !atomic_exchange(&s->claimed, true);
}

bool slots_hold(const void *pointer) {
  place at;
  return slots_find(pointer, &at);
}

bool slots_same(const void *first, const void *second) {
  place a, b;
  return slots_find(first, &a) && slots_find(second, &b) && a.s == b.s;
}

void slots_set_requested(const void *pointer, size_t size) {
  place at;
  if (slots_find(pointer, &at))
    at.s->requested = size;
}

size_t slots_requested(const void *pointer) {
  place at;
  return slots_find(pointer, &at) ? at.s->requested : 0;
}

void slots_set_owner(const void *pointer, unsigned owner) {
  place at;
  if (slots_find(pointer, &at))
    at.s->owner = (uint8_t)owner;
}

unsigned slots_owner(const void *pointer) {
  place at;
  return slots_find(pointer, &at) ? at.s->owner : 0;
}

size_t slots_alignment(const void *pointer) {
  place at;
  return slots_find(pointer, &at) ? (size_t)1 << at.s->lg_alignment : 1;
}
