/* Misuses one buffer, without a debug mode, and tells what came of it.
 *
 *   probe_misuse HOOK SIZE MISUSE
 *
 * HOOK: libc, arrow_mi, arrow (a pool of fake_arrow.h) or c. SIZE: small or large. Some buffers are live
 * meanwhile, and many are taken, filled, looked at and freed afterwards. Where the program survives, the last
 * line says how: "nothing" (all of them are as they should be), "damage" (contents are not what was written),
 * "two owners" (an address was handed out twice) or "refused" (NULL). */
#include "arrowpool.h"
#include "fake_arrow.h"
#include "probe.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

extern "C" {
void *arrow_mi_malloc_aligned(size_t size, size_t alignment) __attribute__((weak));
void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) __attribute__((weak));
void arrow_mi_free(void *buffer) __attribute__((weak));
}

namespace {

const int64_t ALIGNMENT = 64;

/* What a hook does with buffers; those that are not told sizes or alignments leave them out. */
struct Hook {
  uint8_t *(*allocate)(int64_t size);
  uint8_t *(*resize)(uint8_t *buffer, int64_t old_size, int64_t new_size);
  void (*free)(uint8_t *buffer, int64_t size, int64_t alignment);
};

arrowpool_pool *probe_pool() {
  static arrowpool_pool *pool = [] {
    arrowpool_pool *made = nullptr;
    CHECK(arrowpool_create("probe", nullptr, &made) == ARROWPOOL_OK, "create");
    return made;
  }();
  return pool;
}

const Hook c = {
    [](int64_t size) {
      uint8_t *buffer = nullptr;
      CHECK(arrowpool_allocate(probe_pool(), size, ALIGNMENT, &buffer) == ARROWPOOL_OK, "allocate");
      return buffer;
    },
    [](uint8_t *buffer, int64_t old_size, int64_t new_size) {
      CHECK(arrowpool_reallocate(probe_pool(), old_size, new_size, ALIGNMENT, &buffer) == ARROWPOOL_OK,
            "reallocate");
      return buffer;
    },
    [](uint8_t *buffer, int64_t size, int64_t alignment) {
      arrowpool_free(probe_pool(), buffer, size, alignment);
    }};

const Hook libc = {[](int64_t size) {
                     void *buffer = nullptr;
                     CHECK(posix_memalign(&buffer, ALIGNMENT, static_cast<size_t>(size)) == 0,
                           "posix_memalign");
                     return static_cast<uint8_t *>(hide(buffer));
                   },
                   [](uint8_t *buffer, int64_t, int64_t new_size) {
                     return static_cast<uint8_t *>(realloc(hide(buffer), static_cast<size_t>(new_size)));
                   },
                   [](uint8_t *buffer, int64_t, int64_t) { free(hide(buffer)); }};

const Hook arrow_mi = {[](int64_t size) {
                         return static_cast<uint8_t *>(
                             arrow_mi_malloc_aligned(static_cast<size_t>(size), ALIGNMENT));
                       },
                       [](uint8_t *buffer, int64_t, int64_t new_size) {
                         return static_cast<uint8_t *>(
                             arrow_mi_realloc_aligned(buffer, static_cast<size_t>(new_size), ALIGNMENT));
                       },
                       [](uint8_t *buffer, int64_t, int64_t) { arrow_mi_free(buffer); }};

const Hook arrow_pool = {
    [](int64_t size) {
      uint8_t *buffer = nullptr;
      CHECK(arrow::default_memory_pool()->Allocate(size, ALIGNMENT, &buffer).ok(), "Allocate");
      return buffer;
    },
    [](uint8_t *buffer, int64_t old_size, int64_t new_size) {
      CHECK(arrow::default_memory_pool()->Reallocate(old_size, new_size, ALIGNMENT, &buffer).ok(),
            "Reallocate");
      return buffer;
    },
    [](uint8_t *buffer, int64_t size, int64_t alignment) {
      arrow::default_memory_pool()->Free(buffer, size, alignment);
    }};

const Hook *hook_of(const std::string &name) {
  return name == "c"          ? &c
         : name == "libc"     ? &libc
         : name == "arrow_mi" ? &arrow_mi
         : name == "arrow"    ? &arrow_pool
                              : nullptr;
}

/* A buffer with contents that tell it from all others. */
struct Buffer {
  uint8_t *address;
  int64_t size;
  uint8_t seed;
};

uint8_t byte_of(const Buffer &b, int64_t i) { return static_cast<uint8_t>(b.seed + i * 7 + i / 256); }

Buffer take(const Hook *hook, int64_t size) {
  static uint8_t seed;
  Buffer b = {hook->allocate(size), size, seed++};
  for (int64_t i = 0; b.address && i < size; i++)
    b.address[i] = byte_of(b, i);
  return b;
}

bool is_whole(const Buffer &b) {
  int64_t i = 0;
  while (i < b.size && b.address[i] == byte_of(b, i))
    i++;
  return i == b.size;
}

/* Enough buffers that caches overflow; `others` are live as well. */
const char *settle(const Hook *hook, int64_t size, size_t count, std::vector<Buffer> live) {
  size_t before = live.size();
  for (size_t i = 0; i < count; i++)
    live.push_back(take(hook, size));
  std::vector<uint8_t *> addresses;
  bool whole = true;
  for (const Buffer &b : live) {
    if (!b.address)
      return "refused";
    addresses.push_back(b.address);
    whole = whole && is_whole(b);
  }
  std::sort(addresses.begin(), addresses.end());
  if (std::adjacent_find(addresses.begin(), addresses.end()) != addresses.end())
    return "two owners";
  if (!whole)
    return "damage";
  for (size_t i = before; i < live.size(); i++)
    hook->free(live[i].address, size, ALIGNMENT);
  return "nothing";
}

alignas(4096) uint8_t static_area[8192];

/* Returns whether the range is, since addresses are limited: what is far is not in it then. */
bool range_is_small() {
  rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/* False: no such misuse. *lost: the buffer is no longer the program's. */
bool misuse(const Hook *hook, const std::string &what, const Buffer &b, const Buffer &other, bool *lost) {
  int64_t far = int64_t{range_is_small() ? 1 : 8} << 30, within = b.size > 65536 ? 65536 : 64;
  *lost = what.find("inner") == std::string::npos && what != "never" && what != "stack" && what != "static";
  if (what == "double") {
    hook->free(b.address, b.size, ALIGNMENT);
    hook->free(b.address, b.size, ALIGNMENT);
  } else if (what == "double_later") {
    hook->free(b.address, b.size, ALIGNMENT);
    hook->free(other.address, b.size, ALIGNMENT);
    hook->free(b.address, b.size, ALIGNMENT);
  } else if (what == "double_thread") {
    std::thread([&] { hook->free(b.address, b.size, ALIGNMENT); }).join();
    hook->free(b.address, b.size, ALIGNMENT);
  } else if (what == "inner") {
    hook->free(b.address + within, b.size, ALIGNMENT);
  } else if (what == "inner_odd") {
    hook->free(b.address + 8, b.size, ALIGNMENT);
  } else if (what == "never") {
    hook->free(b.address + far, b.size, ALIGNMENT);
  } else if (what == "stack") {
    alignas(64) uint8_t area[4096] = {0};
    hook->free(static_cast<uint8_t *>(hide(area)) + 64, b.size, ALIGNMENT);
  } else if (what == "static") {
    hook->free(static_area + 4096, b.size, ALIGNMENT);
  } else if (what == "realloc_freed") {
    hook->free(b.address, b.size, ALIGNMENT);
    std::printf("%p\n", static_cast<void *>(hook->resize(b.address, b.size, b.size * 3)));
  } else if (what == "realloc_inner") {
    std::printf("%p\n", static_cast<void *>(hook->resize(b.address + within, b.size, b.size * 3)));
  } else if (what == "free_moved") {
    if (hook->resize(b.address, b.size, b.size * 300) != b.address) /* else there is nothing to misuse */
      hook->free(b.address, b.size, ALIGNMENT);
  } else if (what == "overflow") {
    std::memset(static_cast<uint8_t *>(hide(b.address)) + b.size, 0x5a, 128);
    hook->free(b.address, b.size, ALIGNMENT);
  } else if (what == "write_freed") {
    hook->free(b.address, b.size, ALIGNMENT);
    std::memset(hide(b.address), 0x5a, static_cast<size_t>(b.size));
  } else if (what == "size") {
    hook->free(b.address, b.size * 2, ALIGNMENT);
  } else if (what == "alignment") {
    hook->free(b.address, b.size, 4096);
  } else {
    return what == "none";
  }
  return true;
}

} // namespace

int main(int count, char **words) {
  const Hook *hook = count > 3 ? hook_of(words[1]) : nullptr;
  int64_t size = count > 3 && std::string(words[2]) == "large" ? 1 << 20 : 1000;
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  fake_arrow::construct();
  if (!hook)
    return 2;
  std::vector<Buffer> live;
  for (int i = 0; i < 8; i++)
    live.push_back(take(hook, size));
  bool lost;
  if (!misuse(hook, words[3], live[3], live[5], &lost))
    return 2;
  if (std::string(words[3]) == "double_later")
    live.erase(live.begin() + 5);
  if (lost)
    live.erase(live.begin() + 3);
  std::puts(settle(hook, size, size > 65536 ? 24 : 1200, live));
  return probe_failures != 0;
}
