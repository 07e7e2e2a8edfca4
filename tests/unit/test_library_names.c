/* Names of libraries (library_names.h): which files they mean, which names are refused, what was meant. */
#include "unit.h"

#include "options/library_names.h"

#include <string.h>

#define SITE "/venv/lib/python3.11/site-packages/"

static library_name name_of(const char *text) { return (library_name){text, strlen(text)}; }

TEST(a_file_is_called_so_but_for_lib_versions_and_what_comes_after_the_first_dot) {
  static const char *const called[][2] = {
      {"/x/lance.abi3.so", "lance"},
      {SITE "connectorx/connectorx.cpython-311-x86_64-linux-gnu.so", "connectorx"},
      {"/usr/lib/libfoo.so.1.2.3", "foo"},
      {"libfoo-2.so", "foo"},
      {SITE "graphar.libs/libarrow-53ba6fb7.so.2200.0.0", "arrow"},
      {"/x/_core.abi3.so", "_core"},
      {"/x/lib.so", "lib"},
      {"/x/libfoo-bar.so", "foo-bar"},
      {"/x/a-1234abcx.so", "a-1234abcx"},
      {"/x/-2.so", "-2"},
      {"/x/.so", ".so"},
      {"/x/", ""},
      {"", ""},
  };
  for (size_t i = 0; i < COUNT_OF(called); i++) {
    library_name name = library_names_of(called[i][0]);
    if (name.length != strlen(called[i][1]) || memcmp(name.text, called[i][1], name.length) != 0)
      fail_msg("%s: %.*s", called[i][0], (int)name.length, name.text);
  }
}

typedef struct pair {
  const char *name, *path;
} pair;

TEST(a_name_means_a_file_a_package_or_what_a_pattern_fits) {
  static const pair good[] = {
      {"lance", SITE "lance/lance.abi3.so"},
      {"lance.abi3.so", SITE "lance/lance.abi3.so"},
      {"liblance.so", "/opt/liblance.so.1"},
      {"liblance", "/opt/liblance.so"},
      {"lance", "/opt/liblance-1.so"},
      {"lancedb", SITE "lancedb/_lancedb.abi3.so"},
      {"_lancedb", SITE "lancedb/_lancedb.abi3.so"},
      {"arro3", SITE "arro3/core/_core.abi3.so"},
      {"arro3.core", SITE "arro3/core/_core.abi3.so"},
      {"foo", "/usr/lib/python3/dist-packages/foo/bar.so"},
      {"*", "/x/y.so"},
      {"*/y.so", "/x/y.so"},
      {"/x/?.so", "/x/y.so"},
      {"*y*.so", "/a/yy/b.so"},
      {"*/_core*", SITE "arro3/core/_core.abi3.so"},
      {"*a*b*c", "/aXbXbcXc"},
  };
  static const pair bad[] = {
      {"lance", SITE "lancedb/_lancedb.abi3.so"},
      {"lancedb", SITE "lance/lance.abi3.so"},
      {"Lance", SITE "lance/lance.abi3.so"},
      {"arro", SITE "arro3/core/_core.abi3.so"},
      {"arro3.io", SITE "arro3/core/_core.abi3.so"},
      {"arro3.core._core.abi3", SITE "arro3/core/_core.abi3.so"},
      {"venv", SITE "lance/lance.abi3.so"},
      {"connectorx", SITE "connectorx/../connectorx.libs/libcrypto-2a0563c8.so.3"},
      {"connectorx", SITE "connectorx.libs/libcrypto-2a0563c8.so.3"},
      {"/x/y.so", "/x/y.so.1"},
      {"*/y", "/x/y.so"},
      {"?", ""},
      {"*a*b*c", "/aXcXb"},
      {"lance", ""},
      {"_", "/x/_.so.1.so/"},
  };
  for (size_t i = 0; i < COUNT_OF(good); i++)
    if (!library_names_match(name_of(good[i].name), good[i].path))
      fail_msg("%s does not match %s", good[i].name, good[i].path);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (library_names_match(name_of(bad[i].name), bad[i].path))
      fail_msg("%s matches %s", bad[i].name, bad[i].path);
}

TEST(a_list_is_names_with_commas_between_them) {
  const char *list = "a,*/b?.so,c.d";
  static const char *const parts[] = {"a", "*/b?.so", "c.d"};
  library_name name;
  for (size_t i = 0; i < COUNT_OF(parts); i++) {
    assert_true(library_names_next(&list, &name));
    assert_int_equal(name.length, strlen(parts[i]));
    assert_memory_equal(name.text, parts[i], name.length);
    assert_int_equal(library_names_is_pattern(name), i == 1);
  }
  assert_false(library_names_next(&list, &name));
}

TEST(a_list_is_refused_that_names_nothing_or_what_can_have_no_pool) {
  static const char *const good[] = {
      "lance", "lance,arro3.core", "*", "*/lib[x]*.so", "/a/b", "pyarrow", "a,b,x,d,e,f,g,h,i,j,k,l,m,n,o,p"};
  static const char *const bad[] = {"",
                                    ",",
                                    "a,",
                                    ",a",
                                    "a,,b",
                                    "a b",
                                    "a=b",
                                    "\xc3\xa4",
                                    "a\n",
                                    "*\n",
                                    "*\x7f",
                                    "libarrow",
                                    "arrow",
                                    "libarrow.so.2200",
                                    "c",
                                    "libc.so.6",
                                    "libarrowpool_preload.so",
                                    "ld-linux-x86-64.so.2",
                                    "lance,libc",
                                    "pthread",
                                    "a,b,x,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
                                    "a123456789a123456789a123456789a123456789a123456789a123456789"};
  for (size_t i = 0; i < COUNT_OF(good); i++)
    if (!library_names_are_good(good[i]))
      fail_msg("%s is refused", good[i]);
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (library_names_are_good(bad[i]))
      fail_msg("%s is taken", bad[i]);
  assert_string_equal(library_names_reason("a b"), "");
  assert_non_null(strstr(library_names_reason("libc"), "the C library"));
  assert_non_null(strstr(library_names_reason(bad[20]), "16"));
}

TEST(a_pattern_that_fits_all_leaves_those_alone_that_can_have_no_pool) {
  static const char *const refused[] = {"/lib/x86_64-linux-gnu/libc.so.6",
                                        "/lib64/ld-linux-x86-64.so.2",
                                        SITE "pyarrow/libarrow.so.2600",
                                        SITE "g.libs/libarrow-53ba6fb7.so.2200.0.0",
                                        SITE "arrowpool/lib/libarrowpool_preload.so",
                                        "/usr/lib/libarrowpool.so.0"};
  for (size_t i = 0; i < COUNT_OF(refused); i++)
    assert_true(library_names_is_refused(refused[i]));
  assert_false(library_names_is_refused(SITE "pyarrow/libarrow_python.so"));
  assert_false(library_names_is_refused(SITE "lance/lance.abi3.so"));
}

TEST(what_was_meant_differs_by_a_letter_or_has_the_name_in_it) {
  static const pair near[] = {{"lnce", "/x/lance.abi3.so"},
                              {"lanec", "/x/lance.abi3.so"},
                              {"Lance", "/x/lance.abi3.so"},
                              {"lances", "/x/lance.so"},
                              {"pylance", "/x/lance.abi3.so"},
                              {"arro", SITE "arro3/core/_core.abi3.so"},
                              {"aro3", SITE "arro3/core/_core.abi3.so"}};
  static const pair far[] = {{"lance", "/x/libz.so"},
                             {"lance", "/x/dance2.so"},
                             {"ab", "/x/ac.so"},
                             {"a", "/x/lance.so"},
                             {"x", ""}};
  for (size_t i = 0; i < COUNT_OF(near); i++)
    if (!library_names_is_near(name_of(near[i].name), near[i].path))
      fail_msg("%s is not near %s", near[i].name, near[i].path);
  for (size_t i = 0; i < COUNT_OF(far); i++)
    if (library_names_is_near(name_of(far[i].name), far[i].path))
      fail_msg("%s is near %s", far[i].name, far[i].path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_is_called_so_but_for_lib_versions_and_what_comes_after_the_first_dot),
      cmocka_unit_test(a_name_means_a_file_a_package_or_what_a_pattern_fits),
      cmocka_unit_test(a_list_is_names_with_commas_between_them),
      cmocka_unit_test(a_list_is_refused_that_names_nothing_or_what_can_have_no_pool),
      cmocka_unit_test(a_pattern_that_fits_all_leaves_those_alone_that_can_have_no_pool),
      cmocka_unit_test(what_was_meant_differs_by_a_letter_or_has_the_name_in_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
