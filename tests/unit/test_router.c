/* The shim's router and the functions behind it, without the hooks: which hook is open, which pool serves
 * it. The router wakes up once in a process, so every case is a forked child with an environment of its
 * own; what it says on stderr is caught. */
#include "unit.h"

#include "memory/system_calls.h"
#include "shim/bypass.h"
#include "shim/log.h"
#include "shim/next.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program's frees are not the hooks', which are not here. */
static const char *way_past_us;
const char *bypass_find(void) { return way_past_us; }

static char said[4096]; /* by the last child, on stderr */

static int stderr_pipe[2];
static void (*body_of_case)(void);

static void with_stderr_caught(void) {
  dup2(stderr_pipe[1], STDERR_FILENO);
  body_of_case();
}

/* Run a case with these variables ("NAME=value", ended by NULL). */
static void run_case(char *const variables[], void (*body)(void)) {
  clearenv();
  for (; *variables; variables++)
    putenv(*variables);
  assert_int_equal(pipe(stderr_pipe), 0);
  body_of_case = body;
  bool passed = unit_in_child(with_stderr_caught);
  close(stderr_pipe[1]);
  size_t used = 0;
  for (ssize_t got; (got = read(stderr_pipe[0], said + used, sizeof said - 1 - used)) > 0;)
    used += (size_t)got;
  said[used] = 0;
  close(stderr_pipe[0]);
  if (!passed)
    fail_msg("the child failed: %s", said);
}

#define CASE(body, ...) run_case((char *const[]){__VA_ARGS__, NULL}, body)

/* ---- which hook, which pool ---- */

/* Of libc's functions the next allocator may do the work; Arrow's are always served by the pool. */
static void both_open_on(bool serves_libc, const backend *b) {
  CHECK(router_awake());
  for (int name = 0; name < ROUTER_POOLS; name++) {
    const router_hook *hook = router_hook_of((router_pool_name)name);
    CHECK(hook && hook->active && hook->ours == (name != ROUTER_LIBC || serves_libc));
    CHECK(pool_get_config(hook->pool)->backend == b);
  }
  CHECK(strcmp(pool_name(the_router.hooks[ROUTER_LIBC].pool), "libc") == 0);
  CHECK(strcmp(pool_name(the_router.hooks[ROUTER_ARROW_MIMALLOC].pool),
               router_vtable_hook() ? "arrow_mi" : "arrow.mimalloc") == 0);
  CHECK(router_libc_pool() == the_router.hooks[ROUTER_LIBC].pool);
}

static void expect_system(void) {
  both_open_on(false, &backend_system);
  const pool_config *libc = pool_get_config(the_router.hooks[ROUTER_LIBC].pool),
                    *arrow = pool_get_config(the_router.hooks[ROUTER_ARROW_MIMALLOC].pool);
  CHECK(libc->size_source == POOL_SIZE_FROM_CALLER &&
        libc->frees == POOL_OWN_FREES_PASS); /* only requests are seen */
  CHECK(arrow->size_source == POOL_SIZE_FROM_BACKEND && arrow->frees == POOL_ALL_FREES_PASS);
}

static void expect_system_by_default(void) {
  expect_system();
  CHECK(arrowpool_default() == arrowpool_jemalloc()); /* the C API's own default stays */
}

static void expect_system_by_choice(void) {
  expect_system();
  CHECK(arrowpool_default() == arrowpool_system());
}

static void expect_jemalloc(void) {
  both_open_on(true, &backend_jemalloc);
  CHECK(arrowpool_default() == arrowpool_jemalloc());
  for (int name = 0; name < ROUTER_POOLS; name++)
    CHECK(pool_get_config(the_router.hooks[name].pool)->size_source == POOL_SIZE_FROM_BACKEND);
}

static void expect_guarded_system(void) {
  both_open_on(true, &guard_system);
  for (int name = 0; name < ROUTER_POOLS; name++) {
    const pool_config *config = pool_get_config(the_router.hooks[name].pool);
    CHECK(config->size_source == POOL_SIZE_FROM_BACKEND_DEBUG && config->frees == POOL_ALL_FREES_PASS);
  }
  int strange;
  void *buffer = router_allocate(router_hook_of(ROUTER_LIBC), 100, 64);
  CHECK(buffer && router_owns(buffer) && !router_owns(&strange));
  pool_free(router_libc_pool(), buffer, POOL_SIZE_UNKNOWN, 0);
  CHECK(!router_owns(buffer));
}

TEST(a_debug_mode_serves_libc_from_the_system_too) {
  CASE(expect_guarded_system, "ARROW_POOL_DEBUG=warn");
  assert_string_equal(said, "");
}

TEST(the_system_serves_unless_jemalloc_is_chosen) {
  CASE(expect_system_by_default, "HOME=/");
  CASE(expect_system_by_default, "ARROW_POOL=");
  CASE(expect_system_by_choice, "ARROW_POOL=system");
  CASE(expect_jemalloc, "ARROW_POOL=jemalloc");
  assert_string_equal(said, "");
}

static void expect_libc_only(void) {
  CHECK(router_hook_of(ROUTER_LIBC));
  CHECK(!router_hook_of(ROUTER_ARROW_MIMALLOC));
}

static void expect_arrow_mi_only(void) {
  CHECK(!router_hook_of(ROUTER_LIBC));
  CHECK(router_hook_of(ROUTER_ARROW_MIMALLOC));
  CHECK(router_libc_pool()); /* for pointers that come back, even so */
}

static void expect_all_shut(void) {
  CHECK(router_awake());
  CHECK(!router_hook_of(ROUTER_LIBC) && !router_hook_of(ROUTER_ARROW_MIMALLOC));
}

TEST(hooks_that_are_not_chosen_are_shut) {
  CASE(expect_libc_only, "ARROW_POOL_HOOKS=libc");
  CASE(expect_arrow_mi_only, "ARROW_POOL_HOOKS=arrow_mi");
  CASE(expect_all_shut, "ARROW_POOL_HOOKS=arrow_vtable");
  CASE(expect_system_by_default, "ARROW_POOL_HOOKS=libc,arrow_mi");
}

TEST(mistakes_are_one_line_each_and_the_defaults_are_used) {
  CASE(expect_system_by_default, "ARROW_POOL=fast", "ARROW_POOL_STAT=off");
  assert_string_equal(said,
                      "arrowpool: ARROW_POOL=fast: choose jemalloc or system; using system\n"
                      "arrowpool: ARROW_POOL_STAT: unknown variable; the nearest is ARROW_POOL_STATS\n");
  CASE(expect_system_by_default, "ARROW_POOL=fast", "ARROW_POOL_STAT=off", "ARROW_POOL_LOG=quiet");
  assert_string_equal(said, "");
}

static void sleep_without_environment(void) {
  char **kept = environ;
  environ = NULL;
  CHECK(!router_awake() && !router_hook_of(ROUTER_LIBC) && !router_hook_of(ROUTER_ARROW_MIMALLOC));
  environ = kept;
  CHECK(router_awake() && router_hook_of(ROUTER_LIBC));
  CHECK(!router_wake()); /* once only */
}

TEST(the_router_sleeps_until_there_is_an_environment) {
  CASE(sleep_without_environment, "ARROW_POOL=jemalloc");
}

static void *wake_or_pass_on(void *index) {
  (void)index;
  const router_hook *hook = router_hook_of(ROUTER_LIBC); /* NULL while another thread wakes it */
  CHECK(!hook || (hook->ours && hook->pool == router_libc_pool()));
  return NULL;
}

static void wake_in_many_threads(void) {
  unit_run_threads(8, wake_or_pass_on);
  CHECK(router_hook_of(ROUTER_LIBC));
}

static void libc_only_counts(void) {
  CHECK(router_awake());
  const router_hook *libc = router_hook_of(ROUTER_LIBC), *arrow = router_hook_of(ROUTER_ARROW_MIMALLOC);
  CHECK(libc && !libc->ours && arrow && arrow->ours);
}

TEST(where_frees_would_go_past_us_libc_is_only_counted) {
  way_past_us = "free";
  CASE(libc_only_counts, "ARROW_POOL=jemalloc");
  assert_string_equal(said, "");
  CASE(libc_only_counts, "ARROW_POOL=system", "ARROW_POOL_DEBUG=abort");
  CASE(libc_only_counts, "ARROW_POOL=jemalloc", "ARROW_POOL_LOG=info");
  assert_string_equal(said,
                      "arrowpool: the libc hook only counts: the program calls a free that is not ours\n");
  way_past_us = NULL;
}

TEST(many_threads_may_wake_the_router) { CASE(wake_in_many_threads, "ARROW_POOL=jemalloc"); }

/* ---- whose pointer ---- */

static void tell_owners_apart(void) {
  arrowpool_pool *pool = router_hook_of(ROUTER_LIBC)->pool;
  for (int64_t size = 1; size <= 4 * MIB; size *= 3) {
    void *ours, *theirs;
    CHECK(pool_allocate(pool, size, 64, &ours) == ARROWPOOL_OK);
    CHECK(next.posix_memalign(&theirs, 64, (size_t)size) == 0);
    CHECK(range_owns(ours) && !range_owns(theirs) && !range_owns(&ours) && !range_owns(NULL));
    CHECK(pool_reallocate(router_libc_pool(), POOL_SIZE_UNKNOWN, size * 2, 0, &ours) == ARROWPOOL_OK);
    CHECK(range_owns(ours));
    pool_free(router_libc_pool(), ours, POOL_SIZE_UNKNOWN, 1);
    next.free(theirs);
  }
  arrowpool_stats stats;
  pool_read(pool, &stats);
  CHECK(stats.bytes_allocated == 0 && stats.num_frees == 14 && stats.num_fallbacks == 0);
}

static void own_nothing(void) {
  void *theirs;
  CHECK(pool_allocate(router_hook_of(ROUTER_ARROW_MIMALLOC)->pool, 1000, 64, &theirs) == ARROWPOOL_OK);
  CHECK(!range_owns(theirs));
  pool_free(the_router.hooks[ROUTER_ARROW_MIMALLOC].pool, theirs, POOL_SIZE_UNKNOWN, 1);
}

TEST(a_pointer_of_ours_is_told_by_its_address) {
  CASE(tell_owners_apart, "ARROW_POOL=jemalloc");
  CASE(own_nothing, "ARROW_POOL=system");
}

/* ---- the next allocator ---- */

static void find_the_next_functions(void) {
  next_functions stubs = next;
  void *buffer = NULL;
  CHECK((void *)next.posix_memalign != dlsym(RTLD_NEXT, "posix_memalign")); /* nothing is resolved yet */
  CHECK(next.posix_memalign(&buffer, 256, 100) == 0 && unit_aligned(buffer, 256));
  CHECK(next.malloc_usable_size(buffer) >= 100);
  next.free(buffer);
#define X(type, name, parameters, arguments)                                                                 \
  CHECK(next.name != stubs.name);                                                                            \
  CHECK((void *)next.name == dlsym(RTLD_NEXT, #name));
  NEXT_FUNCTIONS(X)
#undef X
  CHECK((void *)next.free == dlsym(RTLD_NEXT, "free"));
  next_resolve_optional();
  CHECK((void *)next._exit == dlsym(RTLD_NEXT, "_exit"));
  CHECK((void *)next.dlopen == dlsym(RTLD_NEXT, "dlopen"));
}

TEST(the_stubs_give_way_to_the_functions_that_follow) { CASE(find_the_next_functions, "HOME=/"); }

static void look_symbols_up(void) {
  errno = EDOM;
  CHECK(next_symbol("malloc_usable_size") == dlsym(RTLD_NEXT, "malloc_usable_size"));
  CHECK(!next_symbol("there_is_no_such_function"));
  CHECK(!next_symbol_of_caller("there_is_no_such_function", (void *)look_symbols_up));
  CHECK(!next_symbol_of_caller("router_wake", (void *)look_symbols_up)); /* our own do not count */
  CHECK(errno == EDOM);
  CHECK(dlerror() == NULL); /* no message is left behind */
}

TEST(symbols_that_are_missing_leave_no_trace) { CASE(look_symbols_up, "HOME=/"); }

static void use_the_system_backend(void) {
  void *buffer = backend_system.allocate(1000, 128);
  backend_resize how;
  CHECK(buffer && unit_aligned(buffer, 128));
  unit_write(buffer, 1000, 1);
  buffer = backend_system.reallocate(buffer, 1000, 100000, 128, &how);
  CHECK(buffer && unit_aligned(buffer, 128) && unit_matches(buffer, 1000, 1000, 1));
  CHECK(system_allocator.malloc_usable_size(buffer) >= 100000);
  errno = EDOM;
  backend_system.free(buffer, 100000, 128);
  CHECK(errno == EDOM);
  backend_system.release_unused();
}

TEST(the_system_backend_goes_by_the_next_allocator) { CASE(use_the_system_backend, "HOME=/"); }

/* ---- messages ---- */

static void say_something(void) {
  char text[1000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  log_start();
  errno = EDOM;
  log_line(PIECES("one ", "line"));
  log_line(PIECES(text, " never seen"));
  CHECK(errno == EDOM);
}

TEST(a_message_is_one_line_and_keeps_errno) {
  CASE(say_something, "HOME=/");
  const char *first = "arrowpool: one line\narrowpool: xxx";
  assert_int_equal(strncmp(said, first, strlen(first)), 0);
  assert_int_equal(strlen(said), strlen("arrowpool: one line\n") + 512); /* cut off, with its newline */
  assert_int_equal(said[strlen(said) - 1], '\n');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_system_serves_unless_jemalloc_is_chosen),
      cmocka_unit_test(a_debug_mode_serves_libc_from_the_system_too),
      cmocka_unit_test(hooks_that_are_not_chosen_are_shut),
      cmocka_unit_test(mistakes_are_one_line_each_and_the_defaults_are_used),
      cmocka_unit_test(the_router_sleeps_until_there_is_an_environment),
      cmocka_unit_test(where_frees_would_go_past_us_libc_is_only_counted),
      cmocka_unit_test(many_threads_may_wake_the_router),
      cmocka_unit_test(a_pointer_of_ours_is_told_by_its_address),
      cmocka_unit_test(the_stubs_give_way_to_the_functions_that_follow),
      cmocka_unit_test(symbols_that_are_missing_leave_no_trace),
      cmocka_unit_test(the_system_backend_goes_by_the_next_allocator),
      cmocka_unit_test(a_message_is_one_line_and_keeps_errno),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
