/* See slots.h. */
#include "slots.h"

#include "gate.h"
#include "range.h"

#include <stdint.h>

#define MAX_TIERS  ((int)(sizeof tier_shifts / sizeof *tier_shifts))
#define MAX_SLOTS  ((size_t)1 << 20) /* of a tier */
#define MIN_SLOTS  2                 /* a tier of fewer is left out */
#define WHOLE_SLOT ((size_t)8 << 20) /* slots up to this size become writable as a whole */

/* Slot sizes: 128 KiB, 1 MiB, 8 MiB, 128 MiB, 2 GiB, 32 GiB, 512 GiB. */
static const unsigned char tier_shifts[] = {17, 20, 23, 27, 31, 35, 39};

typedef struct slot {
  size_t end;         /* from the slot's start to the extent's end (bytes); 0: free */
  size_t requested;   /* of the buffer (bytes); belongs to its owner */
  size_t owned;       /* bytes that jemalloc has and not yet released */
  size_t writable;    /* writable bytes from the slot's start; slots over WHOLE_SLOT only */
  uint32_t next_free; /* index + 1 of the next free slot of the tier */
  uint8_t lg_alignment;
} slot; /* protected by the slot's stripe; next_free by the tier's lock */

typedef struct tier {
  range_window addresses;
  range_window table; /* of slot */
  unsigned shift;
  uint32_t count;
  uint32_t used; /* slots that were ever used: the first of the table */
  uint32_t free; /* index + 1 of the first free slot */
} tier;          /* used and free are protected by GATE_TIERS + number */

static tier tiers[MAX_TIERS];
static int tier_count;

bool slots_init(size_t share) {
  for (int i = 0; i < MAX_TIERS; i++) {
    tier *t = &tiers[tier_count];
    size_t count = share >> tier_shifts[i];
    count = count < MAX_SLOTS ? count : MAX_SLOTS;
    if (count < MIN_SLOTS || !range_carve(&t->addresses, count << tier_shifts[i]) ||
        !range_carve(&t->table, count * sizeof(slot)))
      break;
    t->shift = tier_shifts[i];
    t->count = (uint32_t)count;
    tier_count++;
  }
  return tier_count > 0;
}

/* A slot as found from an address in it. */
typedef struct place {
  tier *t;
  slot *s;
  char *start;
  int lock;
} place;

static place place_of_index(tier *t, uint32_t index) {
  slot *s = (slot *)(void *)t->table.base + index;
  return (place){t, s, t->addresses.base + ((size_t)index << t->shift),
                 GATE_SLOTS + (int)((index * 8 + (uint32_t)(t - tiers)) % GATE_SLOT_STRIPES)};
}

static bool find_place(const void *pointer, place *out) {
  for (tier *t = tiers; t < tiers + tier_count; t++)
    if (range_window_holds(&t->addresses, pointer)) {
      size_t offset = (size_t)((const char *)pointer - t->addresses.base);
      *out = place_of_index(t, (uint32_t)(offset >> t->shift));
      return true;
    }
  return false;
}

/* Make the slot writable up to `end`. Large slots open up by doubling: few calls, yet never much more
 * writable than used. */
static bool make_writable(place at, size_t end) {
  size_t size = (size_t)1 << at.t->shift;
  if (size <= WHOLE_SLOT)
    return range_commit(&at.t->addresses, (size_t)(at.start - at.t->addresses.base) + size);
  if (end <= at.s->writable)
    return true;
  size_t want =
      range_is_frugal() ? range_round_up(end, range_page_size()) : range_round_up(end * 2, WHOLE_SLOT);
  if (want > size)
    want = size;
  if (!range_make_writable(at.start + at.s->writable, want - at.s->writable))
    return false;
  at.s->writable = want;
  return true;
}

/* Take a free slot off the tier; its index + 1, or 0. */
static uint32_t pop_free(tier *t) {
  gate_lock(GATE_TIERS + (int)(t - tiers));
  uint32_t number = t->free;
  if (number)
    t->free = place_of_index(t, number - 1).s->next_free;
  else if (t->used < t->count && range_commit(&t->table, (t->used + (size_t)1) * sizeof(slot)))
    number = ++t->used;
  gate_unlock(GATE_TIERS + (int)(t - tiers));
  return number;
}

static void push_free(place at) {
  gate_lock(GATE_TIERS + (int)(at.t - tiers));
  at.s->next_free = at.t->free;
  at.t->free = (uint32_t)(at.s - (slot *)(void *)at.t->table.base) + 1;
  gate_unlock(GATE_TIERS + (int)(at.t - tiers));
}

void *slots_allocate(size_t size, size_t alignment) {
  for (tier *t = tiers; t < tiers + tier_count; t++) {
    size_t room = (size_t)1 << t->shift;
    /* A slot is aligned to its size or to a page directory, whichever is less; more costs room. */
    if (size > room || alignment > room)
      continue;
    uint32_t number = pop_free(t);
    if (!number)
      continue;
    place at = place_of_index(t, number - 1);
    size_t offset = range_round_up((uintptr_t)at.start, alignment) - (uintptr_t)at.start;
    if (offset <= room - size && make_writable(at, offset + size)) {
      gate_lock(at.lock);
      at.s->end = offset + size;
      at.s->owned = size;
      at.s->lg_alignment = (uint8_t)__builtin_ctzl(alignment);
      gate_unlock(at.lock);
      return at.start + offset;
    }
    push_free(at);
  }
  return NULL;
}

bool slots_extend(void *end, size_t size) {
  place at;
  if (!find_place((char *)end - 1, &at))
    return false;
  gate_lock(at.lock);
  bool fits = (char *)end == at.start + at.s->end && size <= ((size_t)1 << at.t->shift) - at.s->end &&
              make_writable(at, at.s->end + size);
  if (fits) {
    at.s->end += size;
    at.s->owned += size;
  }
  gate_unlock(at.lock);
  return fits;
}

void slots_release(void *start, size_t size) {
  place at;
  if (!find_place(start, &at))
    return;
  gate_lock(at.lock);
  range_release_pages(start, size);
  at.s->owned -= size;
  bool empty = at.s->owned == 0;
  if (empty)
    at.s->end = 0;
  else if ((char *)start + size == at.start + at.s->end)
    at.s->end -= size;
  gate_unlock(at.lock);
  if (empty)
    push_free(at);
}

bool slots_same(const void *first, const void *second) {
  place a, b;
  return find_place(first, &a) && find_place(second, &b) && a.s == b.s;
}

void slots_set_requested(const void *pointer, size_t size) {
  place at;
  if (find_place(pointer, &at))
    at.s->requested = size;
}

size_t slots_requested(const void *pointer) {
  place at;
  return find_place(pointer, &at) ? at.s->requested : 0;
}

size_t slots_alignment(const void *pointer) {
  place at;
  return find_place(pointer, &at) ? (size_t)1 << at.s->lg_alignment : 1;
}
