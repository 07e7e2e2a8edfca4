/* Standard containers on arrowpool/allocator.hpp and arrowpool/memory_resource.hpp: what an allocator has to
 * be, and what the pool counts. Ends the process at the first thing that is wrong, else says "ok". */
#include <arrowpool/allocator.hpp>
#include <arrowpool/memory_resource.hpp>

#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <scoped_allocator>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <vector>

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

namespace {

[[noreturn]] void fail(int line, const char *condition) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, line, condition);
  std::abort();
}

template <class Error, class Work> bool Throws(Work work) {
  try {
    work();
  } catch (const std::exception &error) {
    return typeid(error) == typeid(Error);
  }
  return false;
}

/* A pool that is there as long as this is; at its end everything has to have been freed. */
struct Pool {
  explicit Pool(const char *name, int64_t limit_bytes = 0) {
    arrowpool_config config{};
    config.struct_size = sizeof config;
    config.limit_bytes = limit_bytes;
    CHECK(arrowpool_create(name, &config, &pool) == ARROWPOOL_OK);
  }
  ~Pool() {
    CHECK(live() == 0);
    arrowpool_destroy(pool);
  }
  arrowpool_stats stats() const {
    arrowpool_stats stats{};
    stats.struct_size = sizeof stats;
    CHECK(arrowpool_get_stats(pool, &stats) == ARROWPOOL_OK);
    return stats;
  }
  int64_t live() const { return stats().bytes_allocated; }
  arrowpool_pool *pool = nullptr;
};

template <class T> using Vector = std::vector<T, arrowpool::allocator<T>>;

template <class T> bool Aligned(const T *object, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(object) % alignment == 0;
}

struct alignas(4096) Page {
  char bytes[4096];
};

struct Tree { /* a container of a type that is not complete yet */
  Vector<Tree> children;
};

/* ---- allocator ---- */

using Ints = arrowpool::allocator<int>;
using Traits = std::allocator_traits<Ints>;
static_assert(std::is_same_v<Traits::rebind_alloc<Page>, arrowpool::allocator<Page>>);
static_assert(!Traits::is_always_equal::value && Traits::propagate_on_container_move_assignment::value &&
              Traits::propagate_on_container_swap::value &&
              !Traits::propagate_on_container_copy_assignment::value);
static_assert(std::is_nothrow_copy_constructible_v<Ints> && std::is_nothrow_move_constructible_v<Ints> &&
              std::is_nothrow_default_constructible_v<Ints> && std::is_copy_assignable_v<Ints> &&
              std::is_nothrow_constructible_v<Ints, const arrowpool::allocator<Page> &>);
static_assert(Ints::alignment == 64 && arrowpool::allocator<Page>::alignment == 4096);

void AllocatorRequirements() {
  Pool one("one"), two("two");
  Ints a(one.pool), b(two.pool);
  arrowpool::allocator<Page> rebound(a);
  CHECK(a == Ints(rebound) && a == rebound && a != b && rebound != b);
  CHECK(a.handle() == one.pool && Ints().handle() == arrowpool_default());
  CHECK(Traits::select_on_container_copy_construction(a) == a);
  CHECK(Traits::max_size(a) == PTRDIFF_MAX / sizeof(int));
  CHECK(Throws<std::bad_array_new_length>([&] { (void)a.allocate(Traits::max_size(a) + 1); }));
  CHECK(Throws<std::bad_array_new_length>([&] { (void)rebound.allocate(SIZE_MAX / 4096 + 2); }));
  CHECK(Throws<std::bad_alloc>([&] { (void)a.allocate(Traits::max_size(a)); }));
  int *ints = a.allocate(1000);
  CHECK(Aligned(ints, 64) && one.live() == 4000);
  Ints(rebound).deallocate(ints, 1000);
  int *none = a.allocate(0);
  CHECK(none && one.live() == 0);
  a.deallocate(none, 0);
  Page *pages = rebound.allocate(3);
  CHECK(Aligned(pages, 4096) && one.live() == 3 * 4096);
  rebound.deallocate(pages, 3);
}

void Containers() {
  Pool one("one"), two("two");
  Ints a(one.pool), b(two.pool);
  Vector<int> numbers(a);
  for (int i = 0; i < 100000; i++)
    numbers.push_back(i);
  CHECK(Aligned(numbers.data(), 64) && std::accumulate(numbers.begin(), numbers.end(), 0LL) == 4999950000);
  CHECK(one.live() == int64_t(numbers.capacity()) * 4);

  Vector<int> copy(numbers), target(b), moved(b), swapped(b);
  CHECK(copy.get_allocator() == a && copy == numbers);
  target = numbers; /* stays on its own account */
  CHECK(target.get_allocator() == b && target == numbers && two.live() >= 400000);
  moved = std::move(copy); /* takes the memory with it */
  CHECK(moved.get_allocator() == a && moved == numbers);
  swapped.push_back(7);
  swap(swapped, moved);
  CHECK(swapped.get_allocator() == a && swapped == numbers && moved.get_allocator() == b && moved[0] == 7);

  std::map<int, std::string, std::less<int>, arrowpool::allocator<std::pair<const int, std::string>>> map(a);
  std::list<Page, arrowpool::allocator<Page>> pages(b);
  std::unordered_map<int, int, std::hash<int>, std::equal_to<int>,
                     arrowpool::allocator<std::pair<const int, int>>>
      hashed(a);
  for (int i = 0; i < 1000; i++) {
    map.emplace(i, std::to_string(i));
    hashed[i] = 2 * i;
    if (i % 100 == 0)
      CHECK(Aligned(&pages.emplace_back(), 4096));
  }
  CHECK(map.at(999) == "999" && hashed.at(999) == 1998 && one.stats().num_allocations > 2000);

  using Word = std::basic_string<char, std::char_traits<char>, arrowpool::allocator<char>>;
  std::vector<Word, std::scoped_allocator_adaptor<arrowpool::allocator<Word>>> words{
      arrowpool::allocator<Word>(b)};
  words.emplace_back("a word that is too long for the string to keep it in itself");
  CHECK(words[0].get_allocator() == b);
  auto shared = std::allocate_shared<Page>(a);
  CHECK(Aligned(shared.get(), 4096));

  Tree tree{Vector<Tree>(arrowpool::allocator<Tree>(a))};
  tree.children.push_back(Tree{Vector<Tree>(arrowpool::allocator<Tree>(a))});
  CHECK(tree.children.size() == 1);
}

void LimitOfContainers() {
  Pool capped("capped", 1 << 20);
  Vector<char> bytes(arrowpool::allocator<char>(capped.pool));
  bytes.resize(600000, 'x');
  CHECK(Throws<std::bad_alloc>([&] { bytes.resize(700000); }));
  CHECK(bytes.size() == 600000 && bytes[599999] == 'x' && capped.stats().num_failed == 1);
  arrowpool::memory_resource resource(capped.pool);
  CHECK(Throws<std::bad_alloc>([&] { (void)resource.allocate(500000); }));
}

/* ---- memory_resource ---- */

void Resources() {
  Pool one("one"), two("two");
  arrowpool::memory_resource a(one.pool), same(one.pool), b(two.pool), standard;
  CHECK(a == same && a != b && a != *std::pmr::new_delete_resource() && a.handle() == one.pool);
  CHECK(standard.handle() == arrowpool_default());
  for (std::size_t alignment = 1; alignment <= 1 << 21; alignment *= 2) {
    void *buffer = a.allocate(100, alignment);
    CHECK(Aligned(static_cast<char *>(buffer), alignment) && one.live() == 100);
    same.deallocate(buffer, 100, alignment);
  }
  CHECK(a.allocate(0, 8) != nullptr);
  CHECK(Throws<std::bad_alloc>([&] { (void)a.allocate(SIZE_MAX); }));
  CHECK(Throws<std::bad_alloc>([&] { (void)a.allocate(std::size_t(INT64_MAX)); }));

  std::pmr::vector<std::pmr::string> words(&a);
  for (int i = 0; i < 1000; i++)
    words.push_back("a word that is too long for the string to keep it in itself");
  CHECK(one.live() > 1000 * 60 && words[7].get_allocator().resource() == &a);
  std::pmr::vector<std::pmr::string> copy(words, &b);
  CHECK(copy == words && two.live() > 1000 * 60);
  std::pmr::monotonic_buffer_resource arena(&b);
  std::pmr::list<int> list(10000, 1, &arena);
  CHECK(two.live() > 1000 * 60 + 10000 * 4);

  std::pmr::synchronized_pool_resource pooled(&a);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back([&, i] {
      std::pmr::map<int, std::pmr::vector<int>> map(i % 2 ? &pooled
                                                          : static_cast<std::pmr::memory_resource *>(&a));
      for (int k = 0; k < 2000; k++)
        map[k % 50].assign(std::size_t(k), k + i);
      for (int k = 1950; k < 2000; k++)
        CHECK(map[k % 50] == std::pmr::vector<int>(std::size_t(k), k + i));
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace

int main() {
  AllocatorRequirements();
  Containers();
  LimitOfContainers();
  Resources();
  arrowpool_pool *kept;
  CHECK(arrowpool_create("containers", nullptr, &kept) == ARROWPOOL_OK);
  (void)arrowpool::allocator<Page>(kept).allocate(25); /* for the shim's dump */
  std::puts("ok");
}
