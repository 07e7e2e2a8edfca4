/* Idle pages change hands: a buffer that needs fresh pages gets idle ones of another slot, by mremap.
 *
 * The kernel has to zero a fresh page, which takes many times as long as to move one, and idle pages that
 * serve nobody are memory that the process has for nothing. Tails of live buffers are taken first, since
 * nobody else can use them; then what has been idle the longest. Huge pages move to where huge ones belong,
 * and others to where those do. Only the end of a slot's resident pages moves: they stay one stretch. */
#include "memory/slots_table.h"

#include "base/locks.h"
#include "base/round_up.h"
#include "memory/idle.h"

#define MOST_LOOKED_AT 8 /* slots of a list: what is not found quickly is not worth a search */

/* Less is touched faster than it is found and moved. */
#define LEAST_SMALL ((size_t)256 << 10)

/* Returns where a slot's ordinary pages end. */
static size_t small_end(const tier *t) { return slots_has_lead(t) ? slots_huge_page : (size_t)1 << t->shift; }

/* Returns how many bytes of such pages the slot can lend. The caller holds its lock. */
static size_t lendable(place at, bool huge) {
  slot *s = at.s;
  size_t from = slots_idle_from(s), least = huge ? slots_huge_page : LEAST_SMALL, end = small_end(at.t);
  if (huge)
    from = round_up(from > end ? from : end, slots_huge_page);
  bool sound = !s->altered && !s->stale && slots_is_usable(at) &&
               (huge ? s->resident % slots_huge_page == 0 : s->resident <= end);
  size_t size = sound && s->resident > from ? s->resident - from : 0;
  return size >= least && size <= s->idle ? size : 0;
}

/* Takes a slot that can lend off the list, the oldest of those that it looks at. Whoever has it lists it
 * again. */
static bool take_lender(tier *t, slots_list list, bool huge, place borrower, place *out) {
  bool found = false;
  locks_acquire(t->lock);
  uint32_t number = t->lists[list].last;
  for (int tries = MOST_LOOKED_AT; number && tries && !found; tries--) {
    *out = slots_place(t, number - 1);
    number = out->s->prev;
    locks_acquire(out->lock);
    found = out->s != borrower.s && lendable(*out, huge);
    locks_release(out->lock);
  }
  if (found)
    slots_list_remove(*out);
  locks_release(t->lock);
  return found;
}

static bool find_lender(place borrower, bool huge, place *out, slots_list *list) {
  static const slots_list lists[] = {SLOTS_IDLE_TAIL, SLOTS_IDLE_FREE, SLOTS_LAZY_TAIL, SLOTS_LAZY_FREE};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++)
      if ((slots_has_lead(t) || !huge) && take_lender(t, *list = lists[i], huge, borrower, out))
        return true;
  return false;
}

/* Moves what the lender has and the borrower needs; returns how many bytes that was. */
static size_t lend(place lender, place borrower, bool huge, size_t from, size_t to) {
  slots_lock_both(lender, borrower);
  size_t end = borrower.s->resident; /* its tail may have been purged meanwhile */
  end = huge ? end & ~(slots_huge_page - 1) : end;
  to = to < end ? to : end;
  size_t wanted = to > from ? to - from : 0, size = lendable(lender, huge);
  size = size < wanted ? size : wanted;
  if (size && slots_move_pages(lender, borrower, lender.s->resident - size, from, size)) {
    lender.s->resident -= size;
    lender.s->idle -= size; /* what it still has is as old as before */
    idle_note(0, -(ptrdiff_t)size);
  } else {
    size = 0;
  }
  slots_unlock_both(lender, borrower);
  return size;
}

static bool borrow(place at, bool huge, size_t from, size_t to) {
  bool borrowed = false;
  size_t least = huge ? slots_huge_page : LEAST_SMALL;
  place lender;
  slots_list list;
  while (from + least <= to && idle_bytes() >= least && find_lender(at, huge, &lender, &list)) {
    size_t size = lend(lender, at, huge, from, to);
    if (slots_list_is_of_free(list))
      slots_relist_free(lender);
    else
      slots_relist_live(lender);
    if (!size)
      break;
    from += size;
    borrowed = true;
  }
  return borrowed;
}

bool slots_borrow(place at, size_t from, size_t to) {
  size_t end = small_end(at.t), first_huge = round_up(from > end ? from : end, slots_huge_page);
  bool small = borrow(at, false, round_up(from, range_page_size()), to < end ? to : end);
  return (slots_is_usable(at) && borrow(at, true, first_huge, to)) || small;
}
