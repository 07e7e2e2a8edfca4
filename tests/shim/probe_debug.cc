/* Misuses a buffer of 1000 bytes, alignment 64, once.
 *
 *   probe_debug HOOK MISUSE [MODE]
 *
 * HOOK: c, libc, cxx, arrow_mi or arrow (a pool of fake_arrow.h). MODE: of arrowpool_set_debug, for a run
 * without the shim. Prints the buffer's address, and "went on" where the program survives. */
#include "arrowpool.h"
#include "fake_arrow.h"
#include "probe.h"

#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <string>
#include <unistd.h>

extern "C" {
void *arrow_mi_malloc_aligned(size_t size, size_t alignment) __attribute__((weak));
void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) __attribute__((weak));
void arrow_mi_free(void *buffer) __attribute__((weak));
}

namespace {

const int64_t SIZE = 1000, LARGER = 200000, ALIGNMENT = 64;

/* What a hook does with buffers; hooks that are not told sizes or alignments leave them out. */
struct Hook {
  uint8_t *(*allocate)();
  uint8_t *(*resize)(uint8_t *buffer);
  void (*free)(uint8_t *buffer, int64_t size, int64_t alignment);
};

arrowpool_pool *make_pool(const char *name) {
  arrowpool_pool *pool = nullptr;
  CHECK(arrowpool_create(name, nullptr, &pool) == ARROWPOOL_OK, "%s", name);
  return pool;
}

uint8_t *from_pool(arrowpool_pool *pool) {
  uint8_t *buffer = nullptr;
  CHECK(arrowpool_allocate(pool, SIZE, ALIGNMENT, &buffer) == ARROWPOOL_OK, "allocate");
  return buffer;
}

arrowpool_pool *probe_pool() {
  static arrowpool_pool *pool = make_pool("probe");
  return pool;
}

const Hook c = {[] { return from_pool(probe_pool()); },
                [](uint8_t *buffer) {
                  CHECK(arrowpool_reallocate(probe_pool(), SIZE, LARGER, ALIGNMENT, &buffer) == ARROWPOOL_OK,
                        "reallocate");
                  return buffer;
                },
                [](uint8_t *buffer, int64_t size, int64_t alignment) {
                  arrowpool_free(probe_pool(), buffer, size, alignment);
                }};

uint8_t *from_libc() {
  void *buffer = nullptr;
  CHECK(posix_memalign(&buffer, ALIGNMENT, SIZE) == 0, "posix_memalign");
  CHECK(malloc_usable_size(hide(buffer)) == SIZE, "%zu", malloc_usable_size(buffer));
  return static_cast<uint8_t *>(buffer);
}

uint8_t *realloc_libc(uint8_t *buffer) { return static_cast<uint8_t *>(realloc(hide(buffer), LARGER)); }

const Hook libc = {from_libc, realloc_libc, [](uint8_t *buffer, int64_t, int64_t) { free(hide(buffer)); }};

const Hook cxx = {
    [] { return static_cast<uint8_t *>(hide(::operator new(SIZE, std::align_val_t(ALIGNMENT)))); },
    realloc_libc,
    [](uint8_t *buffer, int64_t, int64_t) { ::operator delete(hide(buffer), std::align_val_t(ALIGNMENT)); }};

const Hook arrow_mi = {[] { return static_cast<uint8_t *>(arrow_mi_malloc_aligned(SIZE, ALIGNMENT)); },
                       [](uint8_t *buffer) {
                         return static_cast<uint8_t *>(arrow_mi_realloc_aligned(buffer, LARGER, ALIGNMENT));
                       },
                       [](uint8_t *buffer, int64_t, int64_t) { arrow_mi_free(buffer); }};

const Hook arrow_pool = {
    [] {
      uint8_t *buffer = nullptr;
      CHECK(arrow::default_memory_pool()->Allocate(SIZE, ALIGNMENT, &buffer).ok(), "Allocate");
      return buffer;
    },
    [](uint8_t *buffer) {
      CHECK(arrow::default_memory_pool()->Reallocate(SIZE, LARGER, ALIGNMENT, &buffer).ok(), "Reallocate");
      return buffer;
    },
    [](uint8_t *buffer, int64_t size, int64_t alignment) {
      arrow::default_memory_pool()->Free(buffer, size, alignment);
    }};

const Hook *hook_of(const std::string &name) {
  return name == "c"          ? &c
         : name == "libc"     ? &libc
         : name == "cxx"      ? &cxx
         : name == "arrow_mi" ? &arrow_mi
         : name == "arrow"    ? &arrow_pool
                              : nullptr;
}

uint8_t *shown(uint8_t *buffer) {
  std::printf("%p\n", static_cast<void *>(buffer));
  std::fflush(stdout);
  return buffer;
}

/* Whatever came of it must be usable. */
void use_and_free(const Hook *hook, uint8_t *buffer) {
  CHECK(buffer && is_aligned(buffer, ALIGNMENT), "%p", static_cast<void *>(buffer));
  std::memset(buffer, 1, LARGER);
  hook->free(buffer, LARGER, ALIGNMENT);
}

bool misuse(const Hook *hook, const std::string &what) {
  static arrowpool_pool *owner = make_pool("owner");
  alignas(64) static uint8_t strange[SIZE];
  uint8_t *buffer = shown(what == "foreign" || what == "foreign_resize" ? from_pool(owner)
                          : what == "strange"                           ? strange
                                                                        : hook->allocate());
  std::memset(buffer, 1, SIZE);
  if (what == "overrun" || what == "overrun_resize" || what == "live" || what == "live_exit")
    static_cast<uint8_t *>(hide(buffer))[SIZE] = 0;
  if (what == "none" || what == "overrun_resize") {
    use_and_free(hook, hook->resize(buffer));
  } else if (what == "overrun" || what == "strange" || what == "foreign") {
    hook->free(buffer, SIZE, ALIGNMENT);
  } else if (what == "double" || what == "double_resize") {
    hook->free(buffer, SIZE, ALIGNMENT);
    if (what == "double")
      hook->free(buffer, SIZE, ALIGNMENT);
    else
      use_and_free(hook, hook->resize(buffer));
  } else if (what == "foreign_resize") {
    uint8_t *resized = hook->resize(buffer);
    CHECK(resized != buffer && resized[SIZE - 1] == 1, "contents");
    use_and_free(hook, resized);
  } else if (what == "size") {
    hook->free(buffer, SIZE - 1, ALIGNMENT);
  } else if (what == "no_size") {
    hook->free(buffer, 0, ALIGNMENT);
  } else if (what == "alignment") {
    hook->free(buffer, SIZE, 2 * ALIGNMENT);
  } else if (what == "live_exit") {
    _exit(0);
  } else {
    return what == "live";
  }
  if (what == "foreign" || what == "foreign_resize")
    arrowpool_free(owner, buffer, SIZE, ALIGNMENT);
  return true;
}

} // namespace

int main(int count, char **words) {
  const Hook *hook = count > 2 ? hook_of(words[1]) : nullptr;
  if (count > 3)
    CHECK(arrowpool_set_debug(static_cast<arrowpool_debug>(std::atoi(words[3]))) == ARROWPOOL_OK, "mode");
  fake_arrow::construct();
  if (!hook || !misuse(hook, words[2]))
    return 2;
  std::puts("went on");
  return probe_failures != 0;
}
