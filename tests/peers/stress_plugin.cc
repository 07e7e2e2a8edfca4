/* A library that stress.py loads and unloads while others allocate: it has buffers on its stack of calls,
 * throws through them, and frees them on the way. */
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

namespace {

class buffer {
public:
  explicit buffer(std::size_t size) : size_(size) {
    void *bytes = nullptr;
    if (posix_memalign(&bytes, 64, size))
      throw std::bad_alloc();
    bytes_ = static_cast<unsigned char *>(bytes);
    std::memset(bytes_, static_cast<int>(size % 251), size);
  }
  ~buffer() { std::free(bytes_); }
  buffer(const buffer &) = delete;
  buffer &operator=(const buffer &) = delete;

  void grow(std::size_t size) {
    void *bytes = std::realloc(bytes_, size);
    if (!bytes)
      throw std::bad_alloc();
    bytes_ = static_cast<unsigned char *>(bytes);
  }
  bool is_whole() const { return bytes_[0] == size_ % 251 && bytes_[size_ - 1] == size_ % 251; }

private:
  unsigned char *bytes_;
  std::size_t size_;
};

/* NOLINTNEXTLINE(misc-no-recursion): the frames are what is wanted */
int descend(int depth, std::size_t size) {
  buffer mine(size);
  if (depth == 0)
    throw std::runtime_error("the bottom");
  mine.grow(2 * size);
  try {
    return descend(depth - 1, size + 1000);
  } catch (const std::runtime_error &) {
    if (!mine.is_whole())
      return 1;
    throw;
  }
}

} // namespace

/* Returns 0 if the exception came up from the bottom, and all buffers were whole. */
extern "C" __attribute__((visibility("default"))) int stress_plugin_run(int depth, std::size_t size) {
  try {
    return descend(depth, size);
  } catch (const std::runtime_error &error) {
    return std::strcmp(error.what(), "the bottom") != 0;
  }
}
