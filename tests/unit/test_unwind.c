/* Native stacks: they are what libgcc reads, on all kinds of frames and threads; or shorter where they cannot
 * be told, but never wrong. Where there are rows of our own, everything runs by them, and again as with an
 * old C library. */
#include "unit.h"
#include "unwind_stacks.h"

#include "profile/unwind.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STACKS 10000

/* So deep a stack fits into the smallest thread's (kilobytes a function, and the sanitizers' part). */
#define SMALL_STACK ((size_t)(UNIT_SANITIZED ? 2048 : 512) << 10)
#define SMALL_DEPTH 6

TEST(ten_thousand_stacks_are_as_libgcc_reads_them) {
  for (uint64_t seed = 0; seed < STACKS; seed++)
    stacks_make(seed % (STACKS / 2), (int)(seed % 40), stacks_compare); /* the second time all is known */
}

/* ---- threads ---- */

static void *compare_some(void *functions) {
  for (uint64_t seed = 0; seed < 300; seed++)
    stacks_make(seed, (int)(seed % (uintptr_t)functions), stacks_compare);
  return NULL;
}

static void run_thread(const pthread_attr_t *attributes, uintptr_t functions) {
  pthread_t thread;
  CHECK(pthread_create(&thread, attributes, compare_some, (void *)functions) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

TEST(stacks_of_all_sizes_are_read) {
  static const size_t sizes[] = {SMALL_STACK, (size_t)1 << 20, (size_t)8 << 20, (size_t)256 << 20};
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (size_t guard = 0; guard < 2; guard++) {
      pthread_attr_t attributes;
      assert_int_equal(pthread_attr_init(&attributes), 0);
      assert_int_equal(pthread_attr_setstacksize(&attributes, sizes[i]), 0);
      assert_int_equal(pthread_attr_setguardsize(&attributes, guard * 65536), 0);
      run_thread(&attributes, i < 2 ? SMALL_DEPTH : 40);
      pthread_attr_destroy(&attributes);
    }
}

TEST(a_stack_that_the_program_made_is_read) {
  size_t size = SMALL_STACK + 4096 + 24; /* no multiple of a page */
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(memory, MAP_FAILED);
  pthread_attr_t attributes;
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, memory, size), 0);
  run_thread(&attributes, SMALL_DEPTH);
  pthread_attr_destroy(&attributes);
  munmap(memory, size);
}

static void *compare_by_index(void *index) {
  for (uint64_t seed = 0; seed < 500; seed++)
    stacks_make(seed * 8 + (uintptr_t)index, (int)(seed % 20), stacks_compare);
  return NULL;
}

TEST(eight_threads_read_their_stacks_at_once) { unit_run_threads(8, compare_by_index); }

static void compare_here(void) { stacks_make(1, 10, stacks_compare); }

/* The child's only thread is none of the two that it could be taken for: main, or a new one. */
static void *fork_and_compare(void *known) {
  if (known)
    compare_here();
  CHECK(unit_in_child(compare_here));
  return NULL;
}

TEST(in_the_child_of_a_fork_stacks_are_read) {
  assert_true(unit_in_child(compare_here));
  for (uintptr_t known = 0; known < 2; known++) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fork_and_compare, (void *)known), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
  }
}

/* ---- where a stack ends ---- */

static void compare_few(unwind_script *s) {
  uint64_t all[STACKS_MOST], few[STACKS_MOST];
  size_t count = stacks_here(all, STACKS_MOST);
  for (size_t most = 0; most < count + 2; most++) {
    memset(few, 0x55, sizeof few);
    size_t got = stacks_here(few, most);
    CHECK(got == (most < count ? most : count));
    CHECK(most < 2 || memcmp(few + 1, all + 1, (got - 1) * sizeof *few) == 0);
    CHECK(few[got] == 0x5555555555555555);
  }
  s->returned++;
}

TEST(the_innermost_frames_are_kept) { stacks_make(3, 12, compare_few); }

TEST(what_is_known_is_not_worked_out_again) {
  if (!stacks_by_rows())
    SKIP("libgcc reads the stack");
  unwind_forget();
  for (volatile int again = 0; again < 3; again++) { /* volatile: unrolled, these would be different calls */
    stacks_looked_up();
    for (volatile uint64_t seed = 0; seed < 5; seed++)
      stacks_make(seed, 20, stacks_compare);
    assert_true((stacks_looked_up() > 0) == (again == 0));
  }
}

TEST(errno_is_kept) {
  uint64_t some[8];
  unwind_forget();
  errno = 4711;
  stacks_here(some, COUNT_OF(some));
  assert_int_equal(errno, 4711);
}

/* ---- signals, and other stacks ---- */

static volatile size_t counted;

/* What is told is the begin of the stack, up to the signal's frame. */
static void compare_prefix(int number) {
  uint64_t expected[STACKS_MOST], found[STACKS_MOST];
  size_t wanted = stacks_reference(expected, STACKS_MOST), count = stacks_here(found, STACKS_MOST);
  (void)number;
  CHECK(count <= wanted);
  for (size_t i = 1; i < count; i++)
    CHECK(found[i] == expected[i]);
  counted = count;
}

static void raise_signal(unwind_script *s) {
  CHECK(raise(SIGUSR1) == 0);
  s->returned++;
}

static void handle_signals(int flags) {
  struct sigaction action = {.sa_handler = compare_prefix, .sa_flags = flags}, before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  counted = SIZE_MAX;
  for (uint64_t seed = 0; seed < 200; seed++)
    stacks_make(seed, 10, raise_signal);
  sigaction(SIGUSR1, &before, NULL);
}

TEST(in_a_signal_handler_the_stack_ends_at_the_signal) {
  handle_signals(0);
  assert_in_range(counted, 1, STACKS_MOST);
}

TEST(an_alternate_signal_stack_is_not_read) {
  if (!stacks_by_rows())
    SKIP("libgcc reads the stack");
  if (UNIT_TSAN)
    SKIP("ThreadSanitizer calls handlers later, on the thread's stack");
  stack_t stack = {.ss_size = SMALL_STACK, .ss_sp = malloc(SMALL_STACK)}, before;
  assert_int_equal(sigaltstack(&stack, &before), 0);
  handle_signals(SA_ONSTACK);
  assert_int_equal(counted, 0);
  compare_here();
  sigaltstack(&before, NULL);
  free(stack.ss_sp);
}

static ucontext_t main_context, coroutine_context;

static void count_in_coroutine(void) {
  uint64_t some[8];
  counted = stacks_here(some, COUNT_OF(some));
}

static void *switch_stacks(void *stack) {
  counted = SIZE_MAX;
  CHECK(getcontext(&coroutine_context) == 0);
  coroutine_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = SMALL_STACK};
  coroutine_context.uc_link = &main_context;
  makecontext(&coroutine_context, count_in_coroutine, 0);
  CHECK(swapcontext(&main_context, &coroutine_context) == 0);
  CHECK(counted == 0);
  compare_here();
  return NULL;
}

TEST(the_stack_of_a_coroutine_is_not_read) {
  if (!stacks_by_rows())
    SKIP("libgcc reads the stack");
  if (UNIT_SANITIZED)
    SKIP("sanitizers are not told of other stacks");
  void *stack = malloc(SMALL_STACK);
  switch_stacks(stack);
  pthread_t thread; /* which has not been asked for its own stack */
  assert_int_equal(pthread_create(&thread, NULL, switch_stacks, stack), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  free(stack);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_thousand_stacks_are_as_libgcc_reads_them),
      cmocka_unit_test(stacks_of_all_sizes_are_read),
      cmocka_unit_test(a_stack_that_the_program_made_is_read),
      cmocka_unit_test(eight_threads_read_their_stacks_at_once),
      cmocka_unit_test(in_the_child_of_a_fork_stacks_are_read),
      cmocka_unit_test(the_innermost_frames_are_kept),
      cmocka_unit_test(what_is_known_is_not_worked_out_again),
      cmocka_unit_test(errno_is_kept),
      cmocka_unit_test(in_a_signal_handler_the_stack_ends_at_the_signal),
      cmocka_unit_test(an_alternate_signal_stack_is_not_read),
      cmocka_unit_test(the_stack_of_a_coroutine_is_not_read),
  };
  int failed = cmocka_run_group_tests_name("by rows", tests, stacks_use_rows, NULL);
  return failed + cmocka_run_group_tests_name("by libgcc", tests, stacks_use_libgcc, NULL);
}
