/* Implements the address set: a root table of leaves, each mapped when the first bit in it is set. */
#include "base/address_set.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define UNIT_BITS    4  /* log2 of the bytes that share a bit: allocators keep 16 apart */
#define LEAF_BITS    28 /* log2 of the bytes that share a leaf */
#define ADDRESS_BITS 48
#define LEAF_WORDS   ((size_t)1 << (LEAF_BITS - UNIT_BITS - 6))

typedef struct leaf {
  _Atomic uint64_t words[LEAF_WORDS];
} leaf;

typedef struct root {
  void *_Atomic leaves[(size_t)1 << (ADDRESS_BITS - LEAF_BITS)];
} root;

static __attribute__((noinline, cold)) void *make(void *_Atomic *where, size_t size) {
  int saved = errno;
  void *known = NULL;
  void *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED)
    fresh = NULL;
  else if (!atomic_compare_exchange_strong(where, &known, fresh)) {
    munmap(fresh, size); /* another thread was faster */
    fresh = known;
  }
  errno = saved;
  return fresh;
}

/* Returns the word that holds the address's bit; NULL if there is none. */
static _Atomic uint64_t *word_of(address_set *m, const void *pointer, bool may_make, uint64_t *bit) {
  uintptr_t address = (uintptr_t)pointer;
  if (address >> ADDRESS_BITS || address % (1 << UNIT_BITS))
    return NULL;
  root *r = atomic_load_explicit(&m->root, memory_order_acquire);
  if (!r && (!may_make || !(r = make(&m->root, sizeof *r))))
    return NULL;
  void *_Atomic *where = &r->leaves[address >> LEAF_BITS];
  leaf *l = atomic_load_explicit(where, memory_order_acquire);
  if (!l && (!may_make || !(l = make(where, sizeof *l))))
    return NULL;
  *bit = UINT64_C(1) << (address >> UNIT_BITS) % 64;
  return &l->words[(address >> (UNIT_BITS + 6)) % LEAF_WORDS];
}

bool address_set_add(address_set *m, const void *address) {
  uint64_t bit;
  _Atomic uint64_t *word = word_of(m, address, true, &bit);
  if (word)
    atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
  return word != NULL;
}

bool address_set_remove(address_set *m, const void *address) {
  uint64_t bit;
  _Atomic uint64_t *word = word_of(m, address, false, &bit);
  return word && (atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed) & bit);
}

bool address_set_has(address_set *m, const void *address) {
  uint64_t bit;
  const _Atomic uint64_t *word = word_of(m, address, false, &bit);
  return word && (atomic_load_explicit(word, memory_order_relaxed) & bit);
}
