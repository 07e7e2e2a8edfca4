/* What a warm pair of allocate and free costs, by count: this program's own mutex functions count its calls.
 */
#include "unit.h"

#include "arrowpool.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static __thread long taken; /* by the calling thread: the housekeeper is another one */

#if !UNIT_SANITIZED /* a sanitizer stands in for them itself */
#define COUNTED(function)                                                                                    \
  int function(pthread_mutex_t *mutex) {                                                                     \
    static int (*next)(pthread_mutex_t *);                                                                   \
    if (!next)                                                                                               \
      *(void **)&next = dlsym(RTLD_NEXT, #function);                                                         \
    taken++;                                                                                                 \
    return next(mutex);                                                                                      \
  }
COUNTED(pthread_mutex_lock)
COUNTED(pthread_mutex_trylock)
#endif

static void pair(int64_t size) {
  uint8_t *buffer;
  CHECK(arrowpool_allocate(arrowpool_jemalloc(), size, 64, &buffer) == ARROWPOOL_OK);
  buffer[0] = 1;
  arrowpool_free(arrowpool_jemalloc(), buffer, size, 64);
}

TEST(a_warm_pair_takes_no_lock) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer has functions of its own for mutexes");
  static const int64_t sizes[] = {64, 30 * KIB, 64 * KIB, 100 * KIB, MIB, 3 * MIB, 4 * MIB};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  long before = taken;
  pthread_mutex_lock(&mutex);
  assert_int_equal(taken, before + 1); /* calls are seen */
  pthread_mutex_unlock(&mutex);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    pair(sizes[i]);
    before = taken;
    for (int pairs = 0; pairs < 10000; pairs++)
      pair(sizes[i]);
    assert_in_range(taken - before, 0, 100); /* now and then the housekeeper is woken */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_warm_pair_takes_no_lock)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
