/* Page moves: a buffer that outgrew its slot takes its pages along, by mremap, and no byte is copied.
 *
 * The source keeps its mappings, empty (MREMAP_DONTUNMAP), so that its addresses are never anybody else's.
 * mremap takes one mapping at a time on older kernels, so the slots remember where mappings begin and end
 * (slot.cuts), and a move is cut there. Where the kernel refuses, or the process would have too many
 * mappings, bytes are copied. */
#include "slots_table.h"

#include "gate.h"

#include <string.h>
#include <sys/mman.h>

/* The places (pages, from the slot's start) where a move of [from, to) has to be cut, both ends included. */
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
  uint32_t lead = (uint32_t)(slots_huge_page / range_page_size());
  if (at.s->marked && lead > from && lead < to)
    add_cut(&c, lead);
  add_cut(&c, to);
  return c;
}

/* The cuts of the target once the pieces have arrived at `shift` pages from where they were. */
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

/* Bytes moved, piece by piece; less than all where the kernel refused. It may do so after it has unmapped the
 * target, to which bytes will be copied then. */
static size_t remap(place from, place to, const cuts *pieces, int64_t shift) {
  size_t page = range_page_size(), moved = 0;
  for (int i = 0; i + 1 < pieces->count; i++) {
    size_t length = (size_t)(pieces->at[i + 1] - pieces->at[i]) * page;
    size_t target = (size_t)(pieces->at[i] + shift) * page;
    if (mremap(from.base + pieces->at[i] * page, length, length,
               MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to.base + target) == MAP_FAILED) {
      slots_map_afresh(to, target, target + length); /* if that is refused, all is as it was */
      break;
    }
    moved += length;
  }
  return moved;
}

/* Both slots' locks are held. Returns the bytes moved. */
static size_t move_pages(place from, place to, size_t source, size_t target, size_t length) {
  size_t page = range_page_size();
  int64_t shift = ((int64_t)target - (int64_t)source) / (int64_t)page;
  cuts pieces = cuts_between(from, (uint32_t)(source / page), (uint32_t)((source + length) / page));
  cuts after = cuts_after(to, &pieces, shift);
  if (after.count > SLOTS_MAX_CUTS) { /* too many leftovers of earlier moves: the target starts afresh */
    slots_purge(to, to.s->low, to.s->resident, true);
    after = cuts_after(to, &pieces, shift);
  }
  if (after.count > SLOTS_MAX_CUTS || !slots_mappings_take(after.count))
    return 0;
  size_t moved = remap(from, to, &pieces, shift);
  slots_mappings_return(moved ? to.s->cut_count : after.count);
  if (!moved)
    return 0;
  memcpy(to.s->cuts, after.at, (size_t)after.count * sizeof after.at[0]);
  to.s->cut_count = (uint8_t)after.count;
  /* What moved is no longer resident in the source, and all of its extent is. */
  from.s->low = source + moved;
  if (from.s->resident < from.s->low)
    from.s->resident = from.s->low;
  return moved;
}

static void lock_both(int first, int second) {
  gate_lock(first < second ? first : second);
  if (first != second)
    gate_lock(first < second ? second : first);
}

static void unlock_both(int first, int second) {
  gate_unlock(first);
  if (first != second)
    gate_unlock(second);
}

/* A huge page at the buffer's end moves whole, if it lies in the source's own pages and fits the target. */
static size_t whole_pages(place from, place to, size_t source, size_t target, size_t size) {
  size_t end = range_round_up(source + size, range_page_size());
  size_t huge = slots_resident_end(from, source + size);
  bool congruent = (source - target) % slots_huge_page == 0 && huge <= from.s->resident;
  if (congruent && target + (huge - source) <= slots_size(to) &&
      (!to.s->writable || target + (huge - source) <= to.s->writable))
    end = huge;
  return end - source;
}

bool slots_move(void *from_buffer, void *to_buffer, size_t size) {
  place from, to;
  size_t moved = 0;
  if (slots_find(from_buffer, &from) && slots_find(to_buffer, &to) && from.s != to.s) {
    size_t source = (size_t)((char *)from_buffer - from.base), target = (size_t)((char *)to_buffer - to.base);
    lock_both(from.lock, to.lock);
    size_t length = whole_pages(from, to, source, target, size);
    moved = move_pages(from, to, source, target, length);
    if (moved && target + moved > to.s->resident)
      to.s->resident = target + moved;
    slots_account(from, 0);
    slots_account(to, 0);
    unlock_both(from.lock, to.lock);
  }
  if (moved >= size)
    return true;
  memcpy((char *)to_buffer + moved, (char *)from_buffer + moved, size - moved);
  return false;
}
