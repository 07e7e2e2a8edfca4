/* What `arrowpool who` knows of names: how a C++ function is shortened, whose a file of Python's is, and what
 * native functions are the allocation itself. */
#include "unit.h"

#include "cli/who/demangle.h"
#include "cli/who/libraries.h"

#include <string.h>

TEST(names_are_shortened) {
  static const char *const pairs[][2] = {
      {"arrow::io::Writable::Write(std::basic_string_view<char, std::char_traits<char> >)",
       "arrow::io::Writable::Write"},
      {"arrow::csv::(anonymous namespace)::PrimitiveConverter<arrow::Int64Type, int>::Convert(int) const",
       "arrow::csv::{anon}::PrimitiveConverter::Convert"},
      {"void arrow::compute::Run<std::vector<int>, (arrow::Kind)3>(int)", "arrow::compute::Run"},
      {"std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)",
       "std::operator<<"},
      {"bool operator< <int>(A<int> const&, A<int> const&)", "operator<"},
      {"A::operator->() const", "A::operator->"},
      {"auto f(int)::{lambda(int, char)#1}::operator()(int, char) const", "f::{lambda#1}::operator()"},
      {"a::{unnamed type#1}::f()", "a::{unnamed_type#1}::f"},
      {"A::operator std::string() const", "A::operator std::string"},
      {"operator new(unsigned long)", "operator new"},
      {"arrow::Finish(int) [clone .cold]", "arrow::Finish"},
      {"decltype (a->b) f<(A)(1>2)>(int)", "f"},
      {"A::f() const &", "A::f"},
      {"my_operators(int)", "my_operators"},
      {"__pyx_f_3lib_read", "__pyx_f_3lib_read"},
      {"(", "("},
      {">>>", ">>>"},
      {"", ""},
  };
  char out[256];
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    who_shorten(pairs[i][0], out, sizeof out);
    assert_string_equal(out, pairs[i][1]);
  }
}

TEST(short_room_cuts_a_name_off) {
  char out[8];
  who_shorten("arrow::csv::Read(int)", out, sizeof out);
  assert_string_equal(out, "arrow::");
}

TEST(symbols_are_names) {
  char out[256];
  who_demangle("main", out, sizeof out);
  assert_string_equal(out, "main");
  who_demangle("_Znonsense\x1b", out, sizeof out);
  assert_string_equal(out, "_Znonsense?");
  who_demangle("_ZN5arrow2io8Writable5WriteEi", out, sizeof out);
  if (strcmp(out, "_ZN5arrow2io8Writable5WriteEi") == 0)
    skip(); /* no C++ library is here */
  assert_string_equal(out, "arrow::io::Writable::Write(int)");
}

TEST(libraries_are_told_from_the_users_files) {
  static const char *const libraries[] = {"/x/lib/python3.12/site-packages/pyarrow/csv.py",
                                          "/usr/lib/python3/dist-packages/pandas/core/frame.py",
                                          "/x/lib/python3.9/site-packages/fsspec.py",
                                          "/x/lib/python3.11/site-packages/_pytest/assertion/util.py",
                                          "/x/lib/python3.11/site-packages/pluggy/_callers.py",
                                          "/x/lib/python3.11/site-packages/IPython/core/formatters.py",
                                          "/x/lib/python3.11/site-packages/ipykernel_launcher.py",
                                          "/x/lib/python3.11/site-packages/distributed/worker.py",
                                          "/x/lib/python3.11/site-packages/tornado/platform/asyncio.py",
                                          "/x/lib/python3.11/site-packages/ray/_private/serialization.py",
                                          "/x/lib/python3.11/site-packages/pyspark/worker.py",
                                          "/opt/spark/python/lib/pyspark.zip/pyspark/worker.py",
                                          "/opt/spark-4.0.0/python/pyspark/sql/dataframe.py",
                                          "/x/lib/python3.13t/unittest/case.py",
                                          "/x/lib/python3.13t/threading.py",
                                          "/usr/lib/python3.11/concurrent/futures/thread.py",
                                          "<frozen importlib._bootstrap>",
                                          "<__array_function__ internals>",
                                          "pyarrow/_csv.pyx"},
                           *const others[] = {"etl.py",
                                              "/home/u/pandas/etl.py",
                                              "/x/lib/python3.12/site-packages/pyarrowish/a.py",
                                              "/x/lib/python3.12/site-packages/mine/pyarrow.py",
                                              "/x/lib/python3/mine.py.d",
                                              "/x/lib/python3.11/site-packages/pytest_mine/a.py",
                                              "/srv/_pytest/etl.py",
                                              "/srv/pyspark/etl.py",
                                              "/tmp/ipykernel_4711/1234567.py",
                                              "<stdin>",
                                              "<ipython-input-1-0>",
                                              "?",
                                              ""};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
    if (!who_is_library(libraries[i]))
      fail_msg("%s", libraries[i]);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (who_is_library(others[i]))
      fail_msg("%s", others[i]);
}

TEST(the_allocation_itself_is_told_from_what_allocates) {
  static const char *const allocation[] = {"arrow::BaseMemoryPoolImpl::Allocate",
                                           "arrow::PoolBuffer::Resize",
                                           "arrow::AllocateResizableBuffer",
                                           "arrow::ArrayBuilder::Reserve",
                                           "arrow::io::BufferOutputStream::Reserve",
                                           "arrow::BaseBinaryBuilder::ReserveData",
                                           "arrow::BufferBuilder::Append",
                                           "arrow::TypedBufferBuilder::Resize",
                                           "arrow_mi_malloc_aligned"},
                           *const others[] = {"arrow::io::BufferOutputStream::Write",
                                              "arrow::csv::{anon}::PrimitiveConverter::Convert",
                                              "my::PoolBuffer::Resize", "PyObject_Call", "?"};
  for (size_t i = 0; i < sizeof allocation / sizeof *allocation; i++)
    assert_true(who_is_allocation(allocation[i], "/x/libarrow.so.2600"));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(who_is_allocation(others[i], "/x/libarrow.so.2600"));
  assert_true(who_is_allocation("anything", "/x/libarrowpool_preload.so"));
  assert_true(who_is_allocation("anything", "/x/site-packages/arrowpool/_library.abi3.so"));
  assert_false(who_is_allocation("anything", "/x/site-packages/mine/_library.abi3.so"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_shortened),
      cmocka_unit_test(short_room_cuts_a_name_off),
      cmocka_unit_test(symbols_are_names),
      cmocka_unit_test(libraries_are_told_from_the_users_files),
      cmocka_unit_test(the_allocation_itself_is_told_from_what_allocates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
