/* Uses a fake libarrow (fake_arrow.h) as programs use the real one, and prints all that it is told, which
 * must be the same with the shim and without.
 *
 *   probe_arrow_VARIANT ours|theirs
 *
 * `ours`: nothing but what was there before the patch, and what is to fail, may reach the library's own
 * functions; `theirs`: everything must. Without the shim it is always theirs. Also built as a plugin, which
 * probe_arrow_load.c loads. */
#include "fake_arrow.h"
#include "probe.h"

#include <cstring>

namespace {

void fill(uint8_t *buffer, int64_t size) {
  for (int64_t i = 0; i < size; i++)
    buffer[i] = uint8_t(i * 7 + (i >> 8));
}

bool holds(const uint8_t *buffer, int64_t size) {
  for (int64_t i = 0; i < size; i++)
    if (buffer[i] != uint8_t(i * 7 + (i >> 8)))
      return false;
  return true;
}

/* The calls, whatever the variant takes. */
arrow::Status allocate(arrow::MemoryPool *pool, int64_t size, uint8_t **out) {
  return pool->Allocate(size FAKE_ALIGNMENT_COMMA(64), out);
}
arrow::Status reallocate(arrow::MemoryPool *pool, int64_t old_size, int64_t new_size, uint8_t **buffer) {
  return pool->Reallocate(old_size, new_size FAKE_ALIGNMENT_COMMA(64), buffer);
}
void drop(arrow::MemoryPool *pool, uint8_t *buffer, int64_t size) {
  pool->Free(buffer, size FAKE_ALIGNMENT_COMMA(64));
}

void print_figures(const char *when, const arrow::MemoryPool *pool) {
#ifdef FAKE_MISSING
  long long live = pool->bytes_in_use();
#else
  long long live = pool->bytes_allocated();
#endif
  std::printf("%s: %s %lld %lld", when, pool->backend_name().c_str(), live, (long long)pool->max_memory());
#ifndef FAKE_PLAIN
  std::printf(" %lld %lld", (long long)pool->total_bytes_allocated(), (long long)pool->num_allocations());
#endif
  std::puts("");
}

void grow_and_shrink(arrow::MemoryPool *pool) {
  const int64_t sizes[] = {1, 63, 64, 5000, 200000, 9000000, 65536, 100, 1};
  uint8_t *buffer = nullptr;
  int64_t size = 100;
  CHECK(allocate(pool, size, &buffer).ok(), "%lld", (long long)size);
  fill(buffer, size);
  for (int64_t next : sizes) {
    CHECK(reallocate(pool, size, next, &buffer).ok(), "%lld", (long long)next);
    CHECK(is_aligned(buffer, 64) && holds(buffer, size < next ? size : next), "%lld", (long long)next);
    fill(buffer, size = next);
    print_figures("resized", pool);
  }
  CHECK(reallocate(pool, size, 0, &buffer).ok(), "to nothing");
  uint8_t *nothing = nullptr;
  CHECK(allocate(pool, 0, &nothing).ok() && buffer == nothing, "%p is not %p", (void *)buffer,
        (void *)nothing);
  drop(pool, nothing, 0);
  CHECK(reallocate(pool, 0, 640, &buffer).ok(), "from nothing");
  fill(buffer, 640);
  drop(pool, buffer, 640);
  print_figures("back at nothing", pool);
}

void ask_for_the_impossible(arrow::MemoryPool *pool) {
  uint8_t *buffer = nullptr;
  std::printf("%s\n", allocate(pool, -1, &buffer).message());
  std::printf("%s\n", allocate(pool, int64_t(1) << 62, &buffer).message());
  CHECK(!buffer, "%p", (void *)buffer);
  CHECK(allocate(pool, 1000, &buffer).ok(), "1000");
  uint8_t *before = buffer;
  fill(buffer, 1000);
  std::printf("%s\n", reallocate(pool, 1000, -1, &buffer).message());
  std::printf("%s\n", reallocate(pool, 1000, int64_t(1) << 62, &buffer).message());
  CHECK(buffer == before && holds(buffer, 1000), "the old buffer is lost");
  print_figures("refused", pool);
  drop(pool, buffer, 1000);
}

void use(arrow::MemoryPool *pool) {
  print_figures("at first", pool);
  grow_and_shrink(pool);
  ask_for_the_impossible(pool);
  pool->ReleaseUnused();
#ifndef FAKE_PLAIN
  pool->PrintStats();
#endif
#if defined(FAKE_EXTRA) || defined(FAKE_SHIFTED)
  std::printf("unheard of: %d\n", pool->unheard_of());
#endif
  print_figures("at last", pool);
}

/* A buffer that is older than the patch, whose home stays where it was. */
void resize_and_free_early(arrow::MemoryPool *pool, uint8_t *early) {
  CHECK(holds(early, 3000), "contents");
  CHECK(reallocate(pool, 3000, 2000, &early).ok(), "resize");
  CHECK(holds(early, 2000), "contents after resizing");
  drop(pool, early, 2000);
}

} // namespace

/* Compilers make this a jump, so that whoever calls us seems to be the one who asks for the pool. */
extern "C" FAKE_EXPORT arrow::MemoryPool *probe_arrow_tail();
extern "C" arrow::MemoryPool *probe_arrow_tail() { return arrow::default_memory_pool(); }

extern "C" FAKE_EXPORT int probe_arrow_use(int ours);
extern "C" int probe_arrow_use(int ours) {
  uint8_t *early = nullptr;
  arrow::MemoryPool *other = nullptr;
#ifdef FAKE_UNCONSTRUCTED
  CHECK(arrow::default_memory_pool() && arrow::mimalloc_memory_pool(&other).ok(), "not constructed");
#endif
  fake_arrow::construct();
  CHECK(allocate(fake_arrow::inner_default(), 3000, &early).ok(), "early");
  fill(early, 3000);
  arrow::MemoryPool *pool = arrow::default_memory_pool();
  CHECK(pool == fake_arrow::inner_default() && pool == arrow::default_memory_pool(), "another object");
  CHECK(arrow::mimalloc_memory_pool(&other).ok() && other == pool, "another mimalloc");
  fake_arrow::Calls before = fake_arrow::calls();
  use(pool);
  fake_arrow::Calls after = fake_arrow::calls();
  CHECK((after.served == before.served) == (ours != 0), "%d buffers were the library's", after.served);
  CHECK(after.served - before.served == after.freed - before.freed, "%d freed", after.freed);
  CHECK(after.released == 1, "%d", after.released);
  resize_and_free_early(pool, early);
  CHECK(fake_arrow::calls().freed == after.freed + 2, "%d", fake_arrow::calls().freed);
  use(arrow::system_memory_pool());
  arrow::Status status = arrow::jemalloc_memory_pool(&other);
  std::printf("jemalloc: %s\n", status.message());
  if (status.ok())
    use(other);
  print_figures("in the end", pool);
  std::fflush(stdout);
  return probe_failures != 0;
}

int main(int count, char **words) {
  return probe_arrow_use(count > 1 && std::strcmp(words[1], "ours") == 0) != 0;
}
