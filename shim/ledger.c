/* See ledger.h: a two-level table, whose first level is the address divided by 256 MiB. */
#include "ledger.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define UNIT_BITS    4  /* bytes that share a bit: no allocator's pointers are closer to each other */
#define LEAF_BITS    28 /* bytes that share a leaf */
#define ADDRESS_BITS 48
#define LEAF_WORDS   ((size_t)1 << (LEAF_BITS - UNIT_BITS - 6))

typedef struct leaf {
  _Atomic uint64_t words[LEAF_WORDS];
} leaf;

static _Atomic(leaf *) leaves[(size_t)1 << (ADDRESS_BITS - LEAF_BITS)];
_Atomic bool ledger_in_use;

static __attribute__((noinline, cold)) leaf *make_leaf(_Atomic(leaf *) *where) {
  int saved = errno;
  leaf *known = NULL;
  leaf *fresh =
      mmap(NULL, sizeof *fresh, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED)
    fresh = NULL;
  else if (!atomic_compare_exchange_strong(where, &known, fresh)) {
    munmap(fresh, sizeof *fresh); /* another thread was faster */
    fresh = known;
  }
  errno = saved;
  return fresh;
}

/* The word that holds the buffer's bit, or NULL. */
static _Atomic uint64_t *word_of(const void *buffer, bool make, uint64_t *bit) {
  uintptr_t address = (uintptr_t)buffer;
  if (address >> ADDRESS_BITS || address % (1 << UNIT_BITS))
    return NULL;
  _Atomic(leaf *) *where = &leaves[address >> LEAF_BITS];
  leaf *l = atomic_load_explicit(where, memory_order_acquire);
  if (!l && (!make || !(l = make_leaf(where))))
    return NULL;
  *bit = UINT64_C(1) << (address >> UNIT_BITS) % 64;
  return &l->words[(address >> (UNIT_BITS + 6)) % LEAF_WORDS];
}

bool ledger_enter(const void *buffer) {
  uint64_t bit;
  _Atomic uint64_t *word = word_of(buffer, true, &bit);
  if (!word)
    return false;
  atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
  if (!atomic_load_explicit(&ledger_in_use, memory_order_relaxed))
    atomic_store(&ledger_in_use, true);
  return true;
}

bool ledger_strike(const void *buffer) {
  uint64_t bit;
  _Atomic uint64_t *word = word_of(buffer, false, &bit);
  return word && (atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed) & bit);
}

bool ledger_look_up(const void *buffer) {
  uint64_t bit;
  _Atomic uint64_t *word = word_of(buffer, false, &bit);
  return word && (atomic_load_explicit(word, memory_order_relaxed) & bit);
}
