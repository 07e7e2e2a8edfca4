/* The order of the locks (locks.h): whoever takes them in another one is ended, in the flavours that check
 * it. */
#include "unit.h"

#include "base/locks.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void in_order(void) {
  locks_acquire(LOCK_POOLS);
  locks_acquire(LOCK_SLOTS + 3);
  locks_acquire(LOCK_SLOTS + 4);
  locks_release(LOCK_SLOTS + 3); /* in any order */
  locks_acquire(LOCK_RANGE);
  locks_release(LOCK_POOLS);
  locks_release(LOCK_RANGE);
  locks_release(LOCK_SLOTS + 4);
  locks_acquire_all();
  locks_release_all();
}

TEST(locks_are_taken_by_their_numbers) { assert_true(unit_in_child(in_order)); }

#ifdef LOCKS_CHECKED
/* What a child ends with that takes these locks, one after the other. */
static int signal_after(int first, int second) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO); /* the line that it says is not for this test's log */
    locks_acquire(first);
    locks_acquire(second);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(another_order_ends_the_program) {
  assert_int_equal(signal_after(LOCK_POOLS, LOCK_RANGE), 0);
  assert_int_equal(signal_after(LOCK_RANGE, LOCK_POOLS), SIGABRT);
  assert_int_equal(signal_after(LOCK_SLOTS + 1, LOCK_SLOTS), SIGABRT);
  assert_int_equal(signal_after(LOCK_SHARDS, LOCK_SHARDS), SIGABRT);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(locks_are_taken_by_their_numbers),
#ifdef LOCKS_CHECKED
      cmocka_unit_test(another_order_ends_the_program),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
