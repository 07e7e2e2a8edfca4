/* Idle pages are those of free slots, of trimmed tails, and what a huge page holds beyond its buffer's end.
 *
 * They stay for the decay time, within the bound of idle.h; after a part of it the kernel may take them when
 * it needs them, and the slot goes to another list. Order of locks: the tier's is taken before the slot's,
 * never the other way round. */
#include "memory/slots_table.h"

#include "base/clock.h"
#include "base/locks.h"
#include "memory/idle.h"

/* A wait for pages that are to be given back lazily is no shorter (ms), so that many of them go at once. */
#define LEAST_LAZY_WAIT 25

void slots_account(place at, ptrdiff_t grown) {
  slot *s = at.s;
  size_t used = slots_idle_from(s);
  size_t idle = s->resident > used ? s->resident - used : 0;
  if (s->end && idle < (s->end - s->start) / IDLE_SETTLED_SHARE)
    idle = 0;
  idle_note(grown, (ptrdiff_t)(idle - s->idle));
  s->idle = idle;
  s->lazy = false;
  if (idle)
    s->stamp = clock_milliseconds();
}

/* Returns the idle pages of a slot that is on no list. The caller then lists a free one as cold. */
static void purge_unlisted(place at) {
  locks_acquire(at.lock);
  slot *s = at.s;
  bool is_free = s->end == 0;
  size_t from = slots_idle_from(s);
  slots_purge(at, from, s->resident, is_free);
  s->resident = is_free ? s->low : s->resident > from ? from : s->resident;
  slots_account(at, 0);
  if (is_free)
    slots_unmark(at);
  if (is_free && range_is_frugal())
    slots_close(at);
  locks_release(at.lock);
}

/* Gives the idle pages of a slot that is on no list back lazily. */
static void release_unlisted_lazily(place at) {
  locks_acquire(at.lock);
  slot *s = at.s;
  size_t from = slots_idle_from(s);
  if (from < s->resident)
    range_release_lazily(at.base + from, s->resident - from);
  s->lazy = true;
  locks_release(at.lock);
}

/* Makes one pass over a list, from its oldest slot, and takes off one that has been idle since `before` (ms)
 * or longer. Tails are stamped again while their buffers grow, so the pass sends the young ones to the front
 * and ends where it meets the first of them again; it holds the lock all the time, so it will. *oldest
 * becomes the least stamp seen of those that stay. */
static bool take_expired(tier *t, slots_list list, int64_t before, place *out, int64_t *oldest) {
  bool found = false;
  uint32_t number, kept = 0;
  locks_acquire(t->lock);
  while ((number = t->lists[list].last) != 0) {
    *out = slots_place(t, number - 1);
    found = out->s->stamp <= before;
    if (found) {
      slots_list_remove(*out);
      break;
    }
    *oldest = out->s->stamp < *oldest ? out->s->stamp : *oldest;
    if (slots_list_is_of_free(list) || number == kept)
      break;
    if (!kept)
      kept = number;
    slots_list_push(*out, list);
  }
  locks_release(t->lock);
  return found;
}

/* Purges what has been idle since `before`, until no more than `most` bytes are idle; returns the least stamp
 * of what stays. */
static int64_t purge_idle(int64_t before, size_t most) {
  static const slots_list lists[] = {SLOTS_LAZY_FREE, SLOTS_LAZY_TAIL, SLOTS_IDLE_FREE, SLOTS_IDLE_TAIL};
  int64_t oldest = INT64_MAX;
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++)
    for (int i = 0; i < 4; i++) {
      place at;
      while (idle_bytes() > most && take_expired(t, lists[i], before, &at, &oldest)) {
        purge_unlisted(at);
        if (slots_list_is_of_free(lists[i]))
          slots_relist_free(at);
      }
    }
  return oldest;
}

/* Gives back lazily what has been idle since `before`; returns the least stamp of what was not. */
static int64_t release_idle_lazily(int64_t before) {
  int64_t oldest = INT64_MAX;
  place at;
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++) {
    while (take_expired(t, SLOTS_IDLE_FREE, before, &at, &oldest)) {
      release_unlisted_lazily(at);
      slots_relist_free(at);
    }
    while (take_expired(t, SLOTS_IDLE_TAIL, before, &at, &oldest)) {
      release_unlisted_lazily(at);
      slots_relist_live(at);
    }
  }
  return oldest;
}

void slots_relist_free(place at) {
  locks_acquire(at.t->lock);
  locks_acquire(at.lock); /* its tail may be purged at this moment */
  bool has_idle = at.s->resident > at.s->low, retired = at.s->retired, lazy = at.s->lazy;
  locks_release(at.lock);
  if (!retired)
    slots_list_push(at, !has_idle ? SLOTS_COLD : lazy ? SLOTS_LAZY_FREE : SLOTS_IDLE_FREE);
  locks_release(at.t->lock);
}

void slots_relist_live(place at) {
  locks_acquire(at.t->lock);
  locks_acquire(at.lock);
  bool is_free = at.s->end == 0;
  slots_list list = slots_list_of_live(at.s);
  locks_release(at.lock);
  if (is_free) {
    /* the slot was freed meanwhile: whoever did that lists it, or has given it to somebody already */
  } else if (list == SLOTS_UNLISTED) {
    slots_list_remove(at);
  } else if (at.s->list != list) {
    slots_list_push(at, list);
  }
  locks_release(at.t->lock);
}

/* Returns the milliseconds from `now` until what was stamped has been idle for `time`. */
static int64_t until(int64_t stamp, int64_t time, int64_t now) {
  if (stamp == INT64_MAX || time == INT64_MAX)
    return SLOTS_NEVER;
  return stamp + time > now ? stamp + time - now : 1;
}

int64_t slots_expire(void) {
  int64_t decay = slots_rules.decay, after = idle_lazily_after(), young = INT64_MAX;
  if (decay == SLOTS_NEVER)
    return SLOTS_NEVER;
  locks_acquire(LOCK_PURGE);
  int64_t now = clock_milliseconds(), oldest = purge_idle(now - decay, 0);
  if (after != INT64_MAX)
    young = release_idle_lazily(now - after);
  locks_release(LOCK_PURGE);
  /* Whoever has a slot off its list wakes the housekeeper when it is back. */
  int64_t due = until(oldest, decay, now), due_lazily = until(young, after, now);
  due_lazily = due_lazily > LEAST_LAZY_WAIT ? due_lazily : LEAST_LAZY_WAIT;
  return due < due_lazily ? due : due_lazily;
}

/* Closes the free slots where writable addresses are charged too. */
static void close_free(tier *t) {
  locks_acquire(t->lock);
  for (uint32_t number = t->lists[SLOTS_COLD].first; number;) {
    place at = slots_place(t, number - 1);
    locks_acquire(at.lock);
    slots_close(at);
    locks_release(at.lock);
    number = at.s->next;
  }
  locks_release(t->lock);
}

/* A slot that the housekeeper has off its list at this moment is waited for: its pages and addresses may be
 * what a request lacks. */
void slots_release_idle(void) {
  locks_acquire(LOCK_PURGE);
  purge_idle(INT64_MAX, 0);
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count && range_is_frugal(); t++)
    close_free(t);
  locks_release(LOCK_PURGE);
}

void slots_bound_idle(void) {
  size_t most = idle_most();
  if (idle_bytes() <= most)
    return;
  /* The older half goes first; when that is not enough, whatever is there goes. */
  int64_t now = clock_milliseconds(), half = slots_rules.decay == SLOTS_NEVER ? 1000 : slots_rules.decay / 2;
  purge_idle(now - half, most);
  purge_idle(INT64_MAX, most);
}
