/* Page moves: a buffer that outgrew its slot takes its pages along, by mremap, and no byte is copied.
 *
 * The source keeps its mappings, empty (MREMAP_DONTUNMAP), so that its addresses are never anybody else's.
 * mremap takes one mapping at a time, so the slots remember where mappings begin and end (slot.cuts), and a
 * move is cut there. All pages move or none: where the kernel refuses in between, what has moved comes back.
 * Then, and where the process would have too many mappings, bytes are copied. */
#include "memory/slots_table.h"

#include "base/locks.h"
#include "base/mman.h"
#include "base/round_up.h"

#include <string.h>

/* The places (pages, from the slot's start) at which a move of [from, to) has to be cut, both ends included.
 */
typedef struct cuts {
  uint32_t at[SLOTS_MAX_CUTS + 4];
  int count;
} cuts;

static void add_cut(cuts *c, uint32_t page) {
  int i = c->count;
  while (i && c->at[i - 1] > page)
    i--;
  if (i && c->at[i - 1] == page)
    return;
  memmove(&c->at[i + 1], &c->at[i], (size_t)(c->count - i) * sizeof c->at[0]);
  c->at[i] = page;
  c->count++;
}

static cuts cuts_between(place at, uint32_t from, uint32_t to) {
  cuts c = {{from}, 1};
  for (int i = 0; i < at.s->cut_count; i++)
    if (at.s->cuts[i] > from && at.s->cuts[i] < to)
      add_cut(&c, at.s->cuts[i]);
  uint32_t huge[] = {(uint32_t)(slots_huge_page / range_page_size()),
                     (uint32_t)(at.s->marked / range_page_size())};
  for (int i = 0; i < 2 && at.s->marked; i++)
    if (huge[i] > from && huge[i] < to)
      add_cut(&c, huge[i]);
  add_cut(&c, to);
  return c;
}

/* Returns the cuts of the target once the pieces have arrived at `shift` pages from where they were. */
static cuts cuts_after(place to, const cuts *pieces, int64_t shift) {
  cuts c = {.count = 0};
  uint32_t first = (uint32_t)(pieces->at[0] + shift),
           last = (uint32_t)(pieces->at[pieces->count - 1] + shift);
  for (int i = 0; i < pieces->count; i++)
    add_cut(&c, (uint32_t)(pieces->at[i] + shift));
  for (int i = 0; i < to.s->cut_count && c.count < SLOTS_MAX_CUTS + 2; i++)
    if (to.s->cuts[i] < first || to.s->cuts[i] > last)
      add_cut(&c, to.s->cuts[i]);
  return c;
}

static bool is_zero(const char *page, size_t size) { return !*page && !memcmp(page, page + 1, size - 1); }

/* Brings back what has been moved of the buffer, whatever the kernel did before it refused more: it copies
 * what the target has and is not zero, since nothing else can be in it. It does not read gaps. */
static void bring_back(char *source, const char *target, size_t length) {
  size_t page = range_page_size();
  bool whole = range_is_mapped(target, length);
  for (size_t at = 0; at < length; at += page)
    if ((whole || range_is_mapped(target + at, page)) && !is_zero(target + at, page))
      memcpy(source + at, target + at, page);
}

/* Moves one piece; returns false if that is refused or would not be safe. The piece has to be one mapping: of
 * several the kernel may move the first and refuse the others, and what a program did to its pages would go
 * along, and stay on the old ones as well. The kernel unmaps the target before it looks at limits: where
 * there are any, the target is mapped anew first, which the same limits refuse while all is as it was. */
static bool remap_piece(place from, place to, size_t source, size_t target, size_t length) {
  if (!range_is_one_mapping(from.base + source, length)) {
    from.s->altered = true;
    return false;
  }
  if (range_is_limited() && slots_renew(to, target, target + length) != RANGE_FRESH)
    return false;
  if (mremap(from.base + source, length, length, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
             to.base + target) != MAP_FAILED)
    return true;
  range_note_refusal();
  bring_back(from.base + source, to.base + target, length);
  slots_fill_gaps(to, target, target + length);
  return false;
}

bool slots_move_pages(place from, place to, size_t source, size_t target, size_t length) {
  size_t page = range_page_size();
  int64_t shift = ((int64_t)target - (int64_t)source) / (int64_t)page;
  cuts pieces = cuts_between(from, (uint32_t)(source / page), (uint32_t)((source + length) / page));
  cuts after = cuts_after(to, &pieces, shift);
  if (after.count > SLOTS_MAX_CUTS || from.s->altered || to.s->stale || !slots_is_usable(to) ||
      !slots_mappings_take(after.count))
    return false;
  slots_mappings_return(to.s->cut_count);
  memcpy(to.s->cuts, after.at, (size_t)after.count * sizeof after.at[0]);
  to.s->cut_count = (uint8_t)after.count;
  for (int i = 0; i + 1 < pieces.count; i++) {
    size_t begin = pieces.at[i] * page, size = (pieces.at[i + 1] - pieces.at[i]) * page;
    if (remap_piece(from, to, begin, begin + (size_t)shift * page, size))
      continue;
    bring_back(from.base + source, to.base + target, begin - source);
    return false;
  }
  return true;
}

/* Empties the pages [target, target + length) of a slot, so that they are known; the rest stays idle. Where
 * earlier moves left so many cuts that there might be no room for more, the slot starts afresh. */
static void empty_target(place from, place to, size_t target, size_t length) {
  if (from.s->cut_count + to.s->cut_count + 4 > SLOTS_MAX_CUTS) {
    slots_purge(to, to.s->low, to.s->resident, true);
    return;
  }
  size_t low = target > to.s->low ? target : to.s->low;
  size_t high = target + length < to.s->resident ? target + length : to.s->resident;
  if (low < high)
    slots_purge(to, low, high, false);
}

static bool move_buffer(place from, place to, size_t source, size_t target, size_t length) {
  empty_target(from, to, target, length);
  if (!slots_move_pages(from, to, source, target, length))
    return false;
  /* What moved is no longer resident in the source, and all of its extent moved. */
  from.s->low = source + length;
  if (from.s->resident < from.s->low)
    from.s->resident = from.s->low;
  if (to.s->resident < target + length)
    to.s->resident = target + length;
  return true;
}

void slots_lock_both(place a, place b) {
  locks_acquire(a.lock < b.lock ? a.lock : b.lock);
  if (a.lock != b.lock)
    locks_acquire(a.lock < b.lock ? b.lock : a.lock);
}

void slots_unlock_both(place a, place b) {
  locks_release(a.lock);
  if (a.lock != b.lock)
    locks_release(b.lock);
}

/* Whether the slot is usable up to `end`. A slot that opens by parts is marked for huge pages as far as it is
 * open, but what of the last one lies beyond that is another mapping. */
static bool reaches(place at, size_t end) {
  return end <= slots_size(at) && (!at.s->writable || end <= at.s->writable);
}

/* Returns how many bytes move: a huge page at the buffer's end moves whole, if it lies in the source's own
 * pages and fits the target. */
static size_t whole_pages(place from, place to, size_t source, size_t target, size_t size) {
  size_t end = round_up(source + size, range_page_size());
  size_t huge = slots_resident_end(from, source + size);
  bool congruent = (source - target) % slots_huge_page == 0 && huge <= from.s->resident;
  if (congruent && reaches(from, huge) && reaches(to, target + (huge - source)))
    end = huge;
  return end - source;
}

slots_moved slots_move(void *from_buffer, void *to_buffer, size_t size) {
  place from, to;
  bool moved = false, usable = true;
  if (slots_find(from_buffer, &from) && slots_find(to_buffer, &to) && from.s != to.s) {
    size_t source = (size_t)((char *)from_buffer - from.base), target = (size_t)((char *)to_buffer - to.base);
    slots_lock_both(from, to);
    size_t length = whole_pages(from, to, source, target, size);
    moved = !(to.s->warm && size <= SLOTS_COPIED_MOST) && move_buffer(from, to, source, target, length);
    usable = slots_is_usable(to);
    slots_account(from, 0);
    slots_account(to, 0);
    slots_unlock_both(from, to);
  }
  if (!usable)
    return SLOTS_REFUSED;
  if (!moved)
    memcpy(to_buffer, from_buffer, size);
  return moved ? SLOTS_MOVED : SLOTS_COPIED;
}
