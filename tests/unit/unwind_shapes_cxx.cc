// Functions of C++ with frames of many shapes: in handlers of exceptions, and called by the standard library.
#include "unwind_shapes.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void goes_on(unwind_script *s) {
  unwind_next(s);
  s->returned++;
}

struct base {
  virtual ~base() = default;
  virtual void run(unwind_script *s) = 0;
};

struct derived : base {
  std::string name = "a string that does not fit into the object itself";
  void run(unwind_script *s) override {
    std::string copy = name;
    goes_on(s);
    s->returned += copy.size();
  }
};

struct goes_on_at_end {
  unwind_script *s;
  ~goes_on_at_end() { goes_on(s); }
};

void calls_virtually(unwind_script *s) {
  std::unique_ptr<base> object = std::make_unique<derived>();
  object->run(s);
}

void calls_a_function(unwind_script *s) {
  std::vector<int> captured(10);
  std::function<void()> function = [s, captured] {
    goes_on(s);
    s->returned += captured.size();
  };
  function();
}

void sorts_with_a_lambda(unwind_script *s) {
  std::vector<uint64_t> numbers(2 + unwind_number(s, 100));
  std::generate(numbers.begin(), numbers.end(), [s] { return unwind_number(s, 50); });
  bool called = false;
  std::stable_sort(numbers.begin(), numbers.end(), [s, &called](uint64_t a, uint64_t b) {
    if (!called) {
      called = true;
      goes_on(s);
    }
    return a < b;
  });
}

void throws(unwind_script *s, uint64_t depth) {
  if (depth)
    throws(s, depth - 1);
  else
    throw std::runtime_error("thrown");
  s->returned++;
}

void goes_on_in_a_handler(unwind_script *s) {
  try {
    throws(s, unwind_number(s, 4));
  } catch (const std::exception &error) {
    goes_on(s);
    s->returned += error.what()[0];
  }
}

// The destructor runs while the exception is under way, called by libgcc.
void goes_on_while_unwinding(unwind_script *s) {
  try {
    goes_on_at_end at_end{s};
    throws(s, unwind_number(s, 4));
  } catch (const std::exception &) {
    s->returned++;
  }
}

void runs_once(unwind_script *s) {
  std::once_flag once;
  std::call_once(once, goes_on, s);
}

} // namespace

extern "C" {
unwind_shape *const shapes_cxx[] = {
    calls_virtually, calls_a_function, sorts_with_a_lambda, goes_on_in_a_handler, goes_on_while_unwinding,
    runs_once,       nullptr};
}
