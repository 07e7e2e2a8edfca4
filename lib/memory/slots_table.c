/* Carves the tiers, finds and lists slots, and tells the kernel about their pages. */
#include "memory/slots_table.h"

#include "base/locks.h"
#include "base/mman.h"
#include "base/round_up.h"
#include "memory/idle.h"

#define MAX_SLOTS ((size_t)1 << 20)  /* the most in a tier */
#define MIN_SLOTS 2                  /* a tier of fewer is left out */
#define WHOLE     ((size_t)16 << 20) /* slots up to this size become writable as a whole */

#define LEAST_HUGE ((size_t)2 << 20)
#define MOST_HUGE  ((size_t)32 << 20)

/* log2 of the slot sizes: 128 KiB, 1 MiB, 32 MiB, 512 MiB, 8 GiB, 128 GiB, 1 TiB. A buffer of a round size
 * fits with its lead. */
static const unsigned char shifts[SLOTS_MAX_TIERS] = {17, 20, 25, 29, 33, 37, 40};

tier slots_tiers[SLOTS_MAX_TIERS];
int slots_tier_count;
slots_policy slots_rules;
size_t slots_huge_page;

static _Atomic int mappings;
static int mappings_allowed;

/* Chooses the size of huge pages. They are of 2 MiB where pages are of 4 KiB, of 32 MiB where those are of 16
 * KiB, and of 512 MiB where those are of 64 KiB: these are left alone, since a buffer may waste most of one;
 * and so are those that the slots of a small range are not aligned to. */
static void choose_huge_page(void) {
  size_t kernels = slots_rules.huge_page;
#if defined(__x86_64__)
  kernels = kernels ? kernels : LEAST_HUGE; /* there are no others */
#endif
  if (!kernels)
    kernels = range_kernel_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", LEAST_HUGE);
  bool usable = kernels >= LEAST_HUGE && kernels <= MOST_HUGE && kernels <= range_alignment() &&
                (kernels & (kernels - 1)) == 0;
  slots_huge_page = usable ? kernels : LEAST_HUGE;
  slots_rules.huge_page = slots_huge_page;
  if (!usable)
    slots_rules.thp = SLOTS_THP_NEVER;
}

slots_policy slots_policy_in_force(void) { return slots_rules; }

/* Returns whether pages move, and leave empty ones behind that stay ours. qemu-user takes what is left for
 * unmapped: it gives nothing of it back, and may hand it out to others. */
static bool pages_move(void) {
  size_t page = range_page_size();
  volatile char *from = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (from == MAP_FAILED)
    return false;
  from[0] = 1;
  bool works = mremap((char *)from, page, page, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
                      from + page) != MAP_FAILED &&
               from[page] == 1 && from[0] == 0;
  if (works) {
    from[0] = 1;
    works = range_release_pages((char *)from, page) && from[0] == 0;
  }
  munmap((char *)from, 2 * page);
  return works;
}

bool slots_init(size_t share, slots_policy policy) {
  slots_rules = policy;
  choose_huge_page();
  idle_init(slots_rules.decay, slots_huge_page);
  mappings_allowed = policy.max_mappings;
  if (!mappings_allowed)
    mappings_allowed = (int)(range_kernel_number("/proc/sys/vm/max_map_count", 65530) / 4);
  if (!pages_move())
    mappings_allowed = 0;
  /* Small buffers would waste huge pages, whatever the system's setting is. One mapping stays one. */
  range_advise_uncarved(MADV_NOHUGEPAGE);
  for (int i = 0; i < SLOTS_MAX_TIERS; i++) {
    tier *t = &slots_tiers[slots_tier_count];
    size_t count = share >> shifts[i], alignment = (size_t)1 << shifts[i];
    count = count < MAX_SLOTS ? count : MAX_SLOTS;
    alignment = alignment > slots_huge_page ? alignment : slots_huge_page;
    alignment = alignment < range_alignment() ? alignment : range_alignment();
    if (count < MIN_SLOTS || !range_carve(&t->addresses, count << shifts[i], alignment) ||
        !range_carve(&t->table, count * sizeof(slot), RANGE_UNIT))
      break;
    t->shift = shifts[i];
    if (slots_rules.thp == SLOTS_THP_ALWAYS)
      madvise(t->addresses.base, t->addresses.size, MADV_HUGEPAGE);
    t->lock = LOCK_TIERS + slots_tier_count;
    t->count = (uint32_t)count;
    slots_tier_count++;
  }
  return slots_tier_count > 0;
}

bool slots_mappings_take(int count) {
  if (atomic_fetch_add(&mappings, count) + count <= mappings_allowed)
    return true;
  slots_mappings_return(count);
  return false;
}

void slots_mappings_return(int count) { atomic_fetch_sub(&mappings, count); }

bool slots_mappings_left(int count) {
  return atomic_load_explicit(&mappings, memory_order_relaxed) + count <= mappings_allowed;
}

place slots_place(tier *t, uint32_t index) {
  slot *s = (slot *)(void *)t->table.base + index;
  return (place){t, s, t->addresses.base + ((size_t)index << t->shift),
                 LOCK_SLOTS + (int)((index * 8 + (uint32_t)(t - slots_tiers)) % LOCK_SLOT_STRIPES)};
}

bool slots_find(const void *pointer, place *out) {
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++)
    if (range_window_holds(&t->addresses, pointer)) {
      size_t offset = (size_t)((const char *)pointer - t->addresses.base);
      *out = slots_place(t, (uint32_t)(offset >> t->shift));
      return true;
    }
  return false;
}

/* ---- lists ---- */

static uint32_t number_of(place at) { return (uint32_t)(at.s - (slot *)(void *)at.t->table.base) + 1; }

void slots_list_remove(place at) {
  list_ends *ends = &at.t->lists[at.s->list];
  if (at.s->list == SLOTS_UNLISTED)
    return;
  *(at.s->prev ? &slots_place(at.t, at.s->prev - 1).s->next : &ends->first) = at.s->next;
  *(at.s->next ? &slots_place(at.t, at.s->next - 1).s->prev : &ends->last) = at.s->prev;
  at.s->list = SLOTS_UNLISTED;
}

void slots_list_push(place at, slots_list list) {
  list_ends *ends = &at.t->lists[list];
  slots_list_remove(at);
  at.s->list = (uint8_t)list;
  at.s->prev = 0;
  at.s->next = ends->first;
  *(ends->first ? &slots_place(at.t, ends->first - 1).s->prev : &ends->last) = number_of(at);
  ends->first = number_of(at);
}

/* ---- pages ---- */

/* Advises the kernel about [from, to) of the slot. */
static void advise(place at, size_t from, size_t to, int advice) {
  if (from < to)
    madvise(at.base + from, to - from, advice);
}

/* Advises huge pages from the lead to as far as the slot is writable. */
static void mark(place at, size_t end) {
  size_t to = at.s->writable ? at.s->writable & ~(slots_huge_page - 1) : slots_size(at);
  if (slots_rules.thp != SLOTS_THP_AUTO || end <= slots_huge_page || to <= at.s->marked)
    return;
  if (!at.s->marked && !slots_mappings_take(SLOTS_MARK_MAPPINGS))
    return;
  advise(at, at.s->marked ? at.s->marked : slots_huge_page, to, MADV_HUGEPAGE);
  at.s->marked = to;
}

bool slots_open(place at, size_t end) {
  size_t size = slots_size(at);
  bool open = true;
  if (size <= WHOLE) {
    open = range_commit(&at.t->addresses, (size_t)(at.base - at.t->addresses.base) + size) &&
           (!at.s->closed || range_make_writable(at.base, size));
  } else if (end > at.s->writable) {
    /* Large slots open up by a quarter, or whole if that is not much: that takes few calls, and debuggers,
     * which save all that is writable, save not much more than what is used. */
    size_t exact = round_up(end, range_page_size());
    size_t want = size <= 2 * WHOLE ? size : round_up(end + end / 4, WHOLE);
    want = range_is_frugal() ? exact : want < size ? want : size;
    open = range_make_writable(at.base + at.s->writable, want - at.s->writable);
    if (!open && want > exact)
      open = range_make_writable(at.base + at.s->writable, (want = exact) - at.s->writable);
    if (open)
      at.s->writable = want;
  }
  at.s->closed &= !open;
  if (open && slots_has_lead(at.t))
    mark(at, end);
  return open;
}

size_t slots_resident_end(place at, size_t end) {
  size_t huge = round_up(end, slots_huge_page);
  if ((end > slots_huge_page && huge <= at.s->marked) ||
      (slots_rules.thp == SLOTS_THP_ALWAYS && huge <= slots_size(at)))
    return huge;
  return round_up(end, range_page_size());
}

/* Returns how far the slot's pages were ever usable. */
static size_t opened(place at) { return slots_size(at) <= WHOLE ? slots_size(at) : at.s->writable; }

/* Advises the kernel about fresh pages. Each part gets its own advice only, as long as it has no pages: the
 * kernel can merge it with its neighbours then, but not once it was merged with one that has pages of its
 * own. */
static void advise_anew(place at, size_t from, size_t to) {
  bool always = slots_rules.thp == SLOTS_THP_ALWAYS;
  size_t lead = at.s->marked ? slots_huge_page : to, marked = at.s->marked ? at.s->marked : to;
  size_t begin = from > lead ? from : lead, end = to < marked ? to : marked;
  advise(at, from, lead < to ? lead : to, always ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  advise(at, begin, end, MADV_HUGEPAGE);
  advise(at, from > marked ? from : marked, to, MADV_NOHUGEPAGE);
}

static range_state settle(place at, size_t from, size_t to, range_state state) {
  if (state == RANGE_FRESH || state == RANGE_CLOSED)
    advise_anew(at, from, to);
  if (state == RANGE_CLOSED) {
    at.s->closed = true;
    at.s->writable = 0;
  }
  at.s->retired |= state == RANGE_LOST;
  return state;
}

range_state slots_renew(place at, size_t from, size_t to) {
  return settle(at, from, to, range_renew(at.base + from, to - from));
}

range_state slots_fill_gaps(place at, size_t from, size_t to) {
  return settle(at, from, to, range_fill_gaps(at.base + from, to - from));
}

/* Puts fresh mappings where moved ones are, so that the kernel can merge them with their neighbours again. If
 * the kernel refuses, the moved mappings stay. */
static void undo_moves(place at) {
  size_t page = range_page_size();
  if (slots_renew(at, at.s->cuts[0] * page, at.s->cuts[at.s->cut_count - 1] * page) != RANGE_FRESH)
    return;
  slots_mappings_return(at.s->cut_count);
  at.s->cut_count = 0;
}

/* Returns whether the pages [from, to) lie in our own mappings, as far as the kernel tells. It does not see
 * what was changed for whole mappings, of which slots_note_altered has to be told. */
static bool is_as_mapped(place at, size_t from, size_t to) {
  size_t edges[] = {slots_huge_page, at.s->marked, to};
  for (int i = at.s->marked ? 0 : 2; i < 3; i++) {
    size_t end = edges[i] < to ? edges[i] : to;
    if (from < end && !range_is_one_mapping(at.base + from, end - from))
      return false;
    from = end > from ? end : from;
  }
  return true;
}

/* Gives fresh mappings to a slot whose mappings are not our own any more; where that fails, the slot serves
 * nobody any more. */
static void undo_alterations(place at) {
  if (slots_renew(at, 0, opened(at)) != RANGE_FRESH) {
    at.s->retired |= !at.s->closed;
    return;
  }
  slots_mappings_return(at.s->cut_count);
  at.s->cut_count = 0;
  at.s->altered = at.s->stale = false;
}

void slots_purge(place at, size_t from, size_t to, bool empty) {
  if (empty && at.s->cut_count)
    undo_moves(at);
  if (empty && (at.s->altered || (!at.s->cut_count && !is_as_mapped(at, from, to))))
    undo_alterations(at);
  if (from < to)
    at.s->stale |= !range_release_pages(at.base + from, to - from);
}

/* A slot's mappings can be merged with their neighbours' again once they are fresh. */
void slots_unmark(place at) {
  size_t marked = at.s->marked;
  if (!marked || atomic_load_explicit(&mappings, memory_order_relaxed) < mappings_allowed / 16)
    return;
  at.s->marked = 0;
  if (slots_renew(at, 0, opened(at)) == RANGE_FRESH)
    slots_mappings_return(SLOTS_MARK_MAPPINGS);
  else
    at.s->marked = marked;
}

void slots_close(place at) {
  size_t end = opened(at);
  if (at.s->closed || at.s->retired || !end || mprotect(at.base, end, PROT_NONE))
    return;
  advise(at, 0, end, MADV_DONTDUMP);
  at.s->closed = true;
  at.s->writable = 0;
}

void slots_note_altered(const void *from, size_t size) {
  place at;
  for (const char *end = (const char *)from + size, *next = from; next < end && slots_find(next, &at);
       next = at.base + slots_size(at))
    at.s->altered = true;
}
