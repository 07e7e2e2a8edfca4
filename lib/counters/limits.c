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

void limits_set(unsigned pool, int64_t most) { atomic_store(&of_pool[pool].most, most); }

void limits_set_all(int64_t most) { atomic_store(&of_all.most, most); }

void limits_restate(unsigned pool, int64_t live) {
  atomic_fetch_add(&of_all.live, live - atomic_exchange(&of_pool[pool].live, live));
}

static int64_t most_of(const account *a) {
  int64_t most = atomic_load(&a->most);
  return most ? most : LIMITS_UNLIMITED;
}

int64_t limits_of(unsigned pool) { return most_of(&of_pool[pool]); }

int64_t limits_of_all(void) { return most_of(&of_all); }

/* An account without a limit is kept all the same: the limit over all counts pools that have none. The limit
 * is read again after the charge: whoever lowers it may rely on it as soon as it is stored. */
static bool charge(account *a, int64_t bytes) {
  int64_t live = atomic_load_explicit(&a->live, memory_order_relaxed);
  do
    if (live > most_of(a) - bytes)
      return false;
  while (!atomic_compare_exchange_weak(&a->live, &live, live + bytes));
  if (__builtin_expect(live <= most_of(a) - bytes, 1))
    return true;
  atomic_fetch_sub(&a->live, bytes);
  return false;
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

void limits_adjust(unsigned pool, int64_t bytes) { limits_uncharge(pool, -bytes); }

int64_t limits_charged(unsigned pool) { return atomic_load(&of_pool[pool].live); }

int64_t limits_charged_to_all(void) { return atomic_load(&of_all.live); }
