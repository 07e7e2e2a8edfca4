/* Keeps an account for each pool and one for all, and charges them by compare-and-exchange. */
#include "counters/limits.h"

#include "counters/counters.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct account {
  _Alignas(128) _Atomic int64_t live;
  _Atomic int64_t most; /* 0: there is no limit, since the table is zeroed */
} account;

static account of_pool[POOL_COUNT], of_all;

static void set(account *a, int64_t most, int64_t live) {
  atomic_store(&a->live, live);
  atomic_store(&a->most, most);
}

void limits_set(unsigned pool, int64_t most, int64_t live) { set(&of_pool[pool], most, live); }

void limits_set_all(int64_t most, int64_t live) { set(&of_all, most, live); }

static int64_t most_of(const account *a) {
  int64_t most = atomic_load_explicit(&a->most, memory_order_relaxed);
  return most ? most : LIMITS_UNLIMITED;
}

int64_t limits_of(unsigned pool) { return most_of(&of_pool[pool]); }

int64_t limits_of_all(void) { return most_of(&of_all); }

/* An account without a limit is kept all the same: the limit over all counts pools that have none. */
static bool charge(account *a, int64_t bytes) {
  int64_t most = most_of(a), live = atomic_load_explicit(&a->live, memory_order_relaxed);
  do
    if (bytes > most - live)
      return false;
  while (!atomic_compare_exchange_weak(&a->live, &live, live + bytes));
  return true;
}

limits_scope limits_charge(unsigned pool, int64_t bytes) {
  if (!charge(&of_pool[pool], bytes))
    return LIMITS_OF_POOL;
  if (charge(&of_all, bytes))
    return LIMITS_NONE;
  atomic_fetch_sub(&of_pool[pool].live, bytes);
  return LIMITS_OF_ALL;
}

void limits_uncharge(unsigned pool, int64_t bytes) {
  atomic_fetch_sub(&of_all.live, bytes);
  atomic_fetch_sub(&of_pool[pool].live, bytes);
}

int64_t limits_charged(unsigned pool) { return atomic_load(&of_pool[pool].live); }

int64_t limits_charged_to_all(void) { return atomic_load(&of_all.live); }
