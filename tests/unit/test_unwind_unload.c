/* Native stacks while libraries come and go. The three libraries given as arguments are the same plugin
 * (unwind_plugin.c) but for the size of its frame: small, larger, and more than a thread's stack. */
#include "unit.h"
#include "unwind_stacks.h"

#include "profile/loaded.h"
#include "profile/unwind.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

typedef void plugin_function(void (*back)(void *), void *data, uint64_t fill);

static const char *plugins[3];

#define SMALL_STACK ((size_t)1 << 20) /* the third plugin's frame is larger */

/* The loader lets one thread in at a time; ThreadSanitizer only sees it by a lock of ours. */
static pthread_mutex_t loader_lock = PTHREAD_MUTEX_INITIALIZER;

static void *open_library(const char *path) {
  pthread_mutex_lock(&loader_lock);
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  pthread_mutex_unlock(&loader_lock);
  return handle;
}

static void close_library(void *handle) {
  pthread_mutex_lock(&loader_lock);
  dlclose(handle);
  pthread_mutex_unlock(&loader_lock);
}

static plugin_function *load(const char *path, void **handle) {
  *handle = open_library(path);
  CHECK(*handle);
  unwind_forget();
  plugin_function *function = (plugin_function *)dlsym(*handle, "plugin_call");
  CHECK(function);
  return function;
}

static void compare(void *s) { stacks_compare(s); }

/* ---- what is in a stack ---- */

static loaded_object plugin_object;
static uintptr_t text_from, text_to;

static bool is_plugins(uint64_t address) { return address >= text_from && address < text_to; }

/* Of all frames, the plugin's is missing. */
static void compare_without_plugin(void *data) {
  uint64_t expected[STACKS_MOST], found[STACKS_MOST];
  size_t wanted = stacks_reference(expected, STACKS_MOST), count = stacks_here(found, STACKS_MOST), kept = 0;
  for (size_t i = 0; i < wanted; i++)
    if (!is_plugins(expected[i]))
      expected[kept++] = expected[i];
  CHECK(kept == wanted - 1 && count == kept);
  for (size_t i = 1; i < kept; i++)
    CHECK(found[i] == expected[i]);
  (void)data;
}

/* The first of the plugin's frames is the last. */
static void compare_until_plugin(void *data) {
  uint64_t expected[STACKS_MOST], found[STACKS_MOST];
  size_t wanted = stacks_reference(expected, STACKS_MOST), count = stacks_here(found, STACKS_MOST);
  CHECK(count == 2 && count < wanted && is_plugins(found[1]) && found[1] == expected[1]);
  (void)data;
}

static plugin_function *load_known(void **handle) {
  plugin_function *function = load(plugins[0], handle);
  CHECK(loaded_find((uintptr_t)function, &plugin_object));
  const Elf64_Phdr *text = loaded_segment(&plugin_object, (uintptr_t)function);
  text_from = plugin_object.bias + text->p_vaddr;
  text_to = text_from + text->p_memsz;
  return function;
}

TEST(frames_of_the_own_library_are_left_out) {
  void *handle;
  plugin_function *function = load_known(&handle);
  const void *inside[] = {(const void *)(uintptr_t)function, dlsym(handle, "plugin_data")};
  for (size_t i = 0; i < 4; i++) {
    unwind_start(inside[i % 2]);
    function(compare_without_plugin, NULL, 0);
  }
  unwind_start(NULL);
  close_library(handle);
}

TEST(a_stack_ends_with_the_first_frame_of_the_interpreter) {
  void *handle;
  unwind_script s = {0};
  plugin_function *function = load_known(&handle);
  unwind_stop_at(text_from, text_to);
  for (int i = 0; i < 3; i++)
    function(compare_until_plugin, NULL, 0);
  unwind_stop_at(0, 0);
  function(compare, &s, 0);
  close_library(handle);
}

/* ---- libraries come and go ---- */

/* Loads the plugins in turn, each where the other was. The frame is full of `fill`. Returns how often that
 * came about. */
static int replace_plugins(uint64_t fill, bool forgets_first_only) {
  unwind_script s = {0};
  void *handle, *last = NULL;
  int replaced = 0;
  for (int i = 0; i < 200; i++) {
    plugin_function *function = load(plugins[0], &handle);
    function(compare, &s, fill);
    close_library(handle);
    last = (void *)(uintptr_t)function;
    handle = open_library(plugins[1]);
    CHECK(handle);
    if (!forgets_first_only)
      unwind_forget();
    function = (plugin_function *)dlsym(handle, "plugin_call");
    replaced += (void *)(uintptr_t)function == last;
    for (int again = 0; again < 2; again++)
      function(compare, &s, fill);
    close_library(handle);
  }
  return replaced;
}

/* By the first plugin's row, the smaller frame's, the return address is looked for among the variables of the
 * second, where there is none. */
TEST(a_row_of_an_unloaded_library_is_replaced_when_it_leads_astray) {
  if (replace_plugins(0, true) == 0)
    SKIP("no library was loaded where another had been");
}

/* Now it looks like one. */
TEST(a_row_that_was_forgotten_does_not_mislead) {
  uint64_t known[8];
  size_t count = stacks_here(known, COUNT_OF(known));
  assert_true(count > 1);
  for (size_t i = 0; i < count; i++)
    replace_plugins(known[i], false);
}

static void *call_second_plugin(void *handle) {
  unwind_script s = {0};
  plugin_function *function = (plugin_function *)dlsym(handle, "plugin_call");
  for (int again = 0; again < 2; again++)
    function(compare, &s, 0);
  return function;
}

/* By the row of the third plugin, the return address is looked for beyond the stack's end. */
TEST(beyond_the_end_of_a_stack_nothing_is_read) {
  char *memory = mmap(NULL, 4 * SMALL_STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(memory, MAP_FAILED);
  assert_int_equal(mprotect(memory, SMALL_STACK, PROT_READ | PROT_WRITE), 0);
  pthread_attr_t attributes;
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstack(&attributes, memory, SMALL_STACK), 0);
  unwind_script s = {0};
  int replaced = 0;
  for (int i = 0; i < 20; i++) {
    void *handle, *second;
    plugin_function *function = load(plugins[2], &handle);
    function(compare, &s, 0);
    close_library(handle);
    handle = open_library(plugins[1]);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, &attributes, call_second_plugin, handle), 0);
    assert_int_equal(pthread_join(thread, &second), 0);
    replaced += second == (void *)(uintptr_t)function;
    close_library(handle);
  }
  pthread_attr_destroy(&attributes);
  munmap(memory, 4 * SMALL_STACK);
  if (replaced == 0)
    SKIP("no library was loaded where another had been");
}

static const char *const libraries[] = {
    "libz.so.1",    "liblzma.so.5",   "libexpat.so.1",    "libcrypto.so.3", "libxml2.so.2", "libsqlite3.so.0",
    "libgmp.so.10", "libstdc++.so.6", "libgfortran.so.5", "libuuid.so.1",   "libelf.so.1",  "libresolv.so.2"};

static atomic_bool ended;
static atomic_int loaded_count;

static void *load_and_unload(void *index) {
  uint64_t random = (uintptr_t)index;
  while (!atomic_load(&ended)) {
    void *handles[4];
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
      size_t n = unit_random(&random) % (COUNT_OF(libraries) + 2);
      handles[i] = open_library(n < 2 ? plugins[n] : libraries[n - 2]);
      atomic_fetch_add(&loaded_count, handles[i] != NULL);
    }
    for (size_t i = 0; i < COUNT_OF(handles); i++)
      if (handles[i])
        close_library(handles[i]);
  }
  return NULL;
}

/* Its stacks have frames of what is loaded just then. */
static void through_plugin(unwind_script *s) {
  void *handle;
  plugin_function *function = load(plugins[unwind_number(s, 2)], &handle);
  function(compare, s, 0);
  close_library(handle);
}

static void read_only(void *s) {
  uint64_t found[STACKS_MOST];
  CHECK(stacks_here(found, STACKS_MOST) > 0);
  ((unwind_script *)s)->returned++;
}

/* Nobody forgets, so rows may be of what was there before: that must not matter but for what is told. */
static void through_plugin_carelessly(unwind_script *s) {
  void *handle = open_library(plugins[unwind_number(s, 2)]);
  CHECK(handle);
  plugin_function *function = (plugin_function *)dlsym(handle, "plugin_call");
  for (int i = 0; i < 2; i++)
    function(read_only, s, (uint64_t)(uintptr_t)function + unwind_number(s, 64));
  close_library(handle);
}

static void *compare_meanwhile(void *index) {
  for (uint64_t seed = 0; seed < (UNIT_SANITIZED ? 1000 : 4000); seed++)
    stacks_make(seed * 2 + (uintptr_t)index, (int)(seed % 10),
                seed % 4 == 0   ? through_plugin
                : seed % 4 == 1 ? through_plugin_carelessly
                                : stacks_compare);
  return NULL;
}

TEST(stacks_are_read_while_libraries_come_and_go) {
  pthread_t loader, readers[2];
  atomic_store(&ended, false);
  assert_int_equal(pthread_create(&loader, NULL, load_and_unload, (void *)7), 0);
  for (uintptr_t i = 0; i < COUNT_OF(readers); i++)
    assert_int_equal(pthread_create(&readers[i], NULL, compare_meanwhile, (void *)i), 0);
  for (size_t i = 0; i < COUNT_OF(readers); i++)
    pthread_join(readers[i], NULL);
  atomic_store(&ended, true);
  pthread_join(loader, NULL);
  print_message("%d libraries were loaded meanwhile\n", atomic_load(&loaded_count));
  assert_true(atomic_load(&loaded_count) > 0);
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_of_the_own_library_are_left_out),
      cmocka_unit_test(a_stack_ends_with_the_first_frame_of_the_interpreter),
      cmocka_unit_test(a_row_of_an_unloaded_library_is_replaced_when_it_leads_astray),
      cmocka_unit_test(a_row_that_was_forgotten_does_not_mislead),
      cmocka_unit_test(beyond_the_end_of_a_stack_nothing_is_read),
      cmocka_unit_test(stacks_are_read_while_libraries_come_and_go),
  };
  CHECK(count == 4);
  for (size_t i = 0; i < COUNT_OF(plugins); i++)
    plugins[i] = arguments[1 + i];
  int failed = cmocka_run_group_tests_name("by rows", tests, stacks_use_rows, NULL);
  return failed + cmocka_run_group_tests_name("by libgcc", tests, stacks_use_libgcc, NULL);
}
