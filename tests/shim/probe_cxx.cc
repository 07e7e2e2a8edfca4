// Every aligned operator new and delete of C++17, over-aligned classes, and containers of them.
// Passes with any conforming C++ runtime; the exit status is 0 when every check held.
#include "probe_libc.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

namespace {

using std::align_val_t;
using std::nothrow;

// ---- the operators, called by name ----

const std::size_t sizes[] = {0, 1, 100, 4096, 70000, 300000};

template <typename Make, typename Drop> void check_pair(const char *name, Make make, Drop drop) {
  for (std::size_t alignment = 32; alignment <= (std::size_t)1 << 22; alignment *= 4)
    for (std::size_t size : sizes) {
      void *first = hide(make(size, align_val_t(alignment)));
      void *second = hide(make(size, align_val_t(alignment)));
      CHECK(first && second && first != second, "%s(%zu, %zu)", name, size, alignment);
      CHECK(is_aligned(first, alignment) && is_aligned(second, alignment), "%s(%zu, %zu)", name, size,
            alignment);
      std::memset(first, 1, size);
      std::memset(second, 2, size);
      drop(first, size, align_val_t(alignment));
      drop(second, size, align_val_t(alignment));
    }
}

void check_operators() {
  auto make_one = [](std::size_t s, align_val_t a) { return ::operator new(s, a); };
  auto make_many = [](std::size_t s, align_val_t a) { return ::operator new[](s, a); };
  auto try_one = [](std::size_t s, align_val_t a) { return ::operator new(s, a, nothrow); };
  auto try_many = [](std::size_t s, align_val_t a) { return ::operator new[](s, a, nothrow); };
  check_pair("new, delete", make_one, [](void *p, std::size_t, align_val_t a) { ::operator delete(p, a); });
  check_pair("new[], delete[]", make_many,
             [](void *p, std::size_t, align_val_t a) { ::operator delete[](p, a); });
  check_pair("new, sized delete", make_one,
             [](void *p, std::size_t s, align_val_t a) { ::operator delete(p, s, a); });
  check_pair("new[], sized delete[]", make_many,
             [](void *p, std::size_t s, align_val_t a) { ::operator delete[](p, s, a); });
  check_pair("nothrow new, delete", try_one,
             [](void *p, std::size_t, align_val_t a) { ::operator delete(p, a, nothrow); });
  check_pair("nothrow new[], delete[]", try_many,
             [](void *p, std::size_t, align_val_t a) { ::operator delete[](p, a, nothrow); });
  ::operator delete(nullptr, align_val_t(64));
  ::operator delete[](nullptr, align_val_t(64));
  ::operator delete(nullptr, std::size_t(1), align_val_t(64));
  ::operator delete[](nullptr, std::size_t(1), align_val_t(64));
  ::operator delete(nullptr, align_val_t(64), nothrow);
  ::operator delete[](nullptr, align_val_t(64), nothrow);
}

template <typename Make> bool throws(Make make, std::size_t size) {
  try {
    hide(make(hide_size(size)));
  } catch (const std::bad_alloc &) {
    return true;
  }
  return false;
}

void check_failures() {
  const std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
  // The last multiple of 64: libstdc++ rounds up to one, beyond it to 0.
  for (std::size_t size : {most, most + 1, std::numeric_limits<std::size_t>::max() - 63}) {
    CHECK(throws([](std::size_t s) { return ::operator new(s, align_val_t(64)); }, size), "%zu", size);
    CHECK(throws([](std::size_t s) { return ::operator new[](s, align_val_t(64)); }, size), "%zu", size);
    CHECK(!hide(::operator new(hide_size(size), align_val_t(64), nothrow)), "%zu", size);
    CHECK(!hide(::operator new[](hide_size(size), align_val_t(64), nothrow)), "%zu", size);
  }
}

// The new handler gets its chance before bad_alloc.
int handler_calls;
void handler() {
  handler_calls++;
  std::set_new_handler(nullptr);
}

void check_new_handler() {
  std::set_new_handler(handler);
  CHECK(throws([](std::size_t s) { return ::operator new(s, align_val_t(64)); }, PTRDIFF_MAX), "%s",
        "handler");
  CHECK(handler_calls == 1, "%d calls", handler_calls);
}

// ---- over-aligned types ----

int alive;

struct base {
  base() { alive++; }
  virtual ~base() { alive--; }
  char payload[40] = {};
};
struct alignas(256) wide : base {
  ~wide() override { alive -= 10; }
  char more[1000] = {};
};
struct throwing : wide {
  throwing() { throw 1; }
};

void check_classes() {
  std::unique_ptr<base> one(new wide); // deleted through its base: sized and aligned delete
  CHECK(is_aligned(one.get(), 256), "%p", static_cast<void *>(one.get()));
  alive += 10;
  one.reset();
  auto many = std::make_unique<wide[]>(100);
  CHECK(alive == 100 && is_aligned(&many[99], 256), "%d", alive);
  alive += 1000;
  many.reset();
  CHECK(alive == 0, "%d", alive);
  bool caught = false;
  try { // the constructor fails: the memory goes back
    alive += 10;
    delete new throwing;
  } catch (int) {
    caught = true;
  }
  CHECK(caught && alive == 0, "%d", alive);
}

struct alignas(64) line {
  std::uint64_t words[8];
};

void check_vector() {
  std::vector<line> lines;
  for (std::uint64_t i = 0; i < 20000; i++) {
    lines.push_back({{i, i + 1}});
    CHECK(is_aligned(&lines.back(), 64), "%p", static_cast<void *>(&lines.back()));
  }
  lines.shrink_to_fit();
  bool kept = true;
  for (std::uint64_t i = 0; i < lines.size(); i++)
    kept = kept && lines[i].words[0] == i && lines[i].words[1] == i + 1;
  CHECK(kept, "%zu elements", lines.size());
}

// Made before main and gone after it.
struct late {
  std::vector<line> lines{1000};
  line *one = new line;
  ~late() { delete one; }
};
late kept;

} // namespace

int main(int count, char **arguments) {
  probe_begin("cxx", count, arguments);
  check_operators();
  if (!allowed(ALLOW_NEW_ABORTS)) {
    check_failures();
    check_new_handler();
  }
  check_classes();
  check_vector();
  return probe_end();
}
