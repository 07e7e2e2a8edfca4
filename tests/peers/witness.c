/* An independent witness of the arrow_mi hook: preloaded in front of the shim, it keeps its own books on what
 * libarrow asks for, with a plain table under one lock, and hands every call on. Nothing here is shared with
 * the code under test. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))
#define PLACES ((size_t)1 << 20) /* more than any workload keeps live at once */

typedef struct witness_figures {
  int64_t live_bytes, live_buffers, total_bytes, allocations, growths, reallocations, frees, misaligned;
} witness_figures;

static struct {
  void *buffer;
  size_t size;
} places[PLACES];
static witness_figures figures;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment);
EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment);
EXPORT void arrow_mi_free(void *buffer);
EXPORT void witness_read(witness_figures *out);

static void *next(const char *name) {
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol)
    abort(); /* the shim is not behind us */
  return symbol;
}

static size_t place_of(const void *buffer) {
  return (size_t)(((uintptr_t)buffer >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 44);
}

static void enter(void *buffer, size_t size, size_t alignment) {
  size_t i = place_of(buffer);
  while (places[i].buffer)
    i = (i + 1) % PLACES;
  places[i].buffer = buffer;
  places[i].size = size;
  figures.live_bytes += (int64_t)size;
  figures.live_buffers++;
  figures.misaligned += (uintptr_t)buffer % alignment != 0;
}

/* Take the buffer out; the entries behind it move up, so that none is lost behind a hole. */
static size_t leave(const void *buffer) {
  size_t i = place_of(buffer);
  while (places[i].buffer != buffer) {
    if (!places[i].buffer)
      abort(); /* never handed out, or freed twice */
    i = (i + 1) % PLACES;
  }
  size_t size = places[i].size;
  for (size_t j = (i + 1) % PLACES; places[j].buffer; j = (j + 1) % PLACES) {
    size_t home = place_of(places[j].buffer);
    if ((j - home) % PLACES >= (j - i) % PLACES) {
      places[i] = places[j];
      i = j;
    }
  }
  places[i].buffer = NULL;
  figures.live_bytes -= (int64_t)size;
  figures.live_buffers--;
  return size;
}

EXPORT void *arrow_mi_malloc_aligned(size_t size, size_t alignment) {
  void *(*make)(size_t, size_t) = (void *(*)(size_t, size_t))next("arrow_mi_malloc_aligned");
  void *buffer = make(size, alignment);
  if (buffer) {
    pthread_mutex_lock(&lock);
    enter(buffer, size, alignment);
    figures.allocations++;
    figures.total_bytes += (int64_t)size;
    pthread_mutex_unlock(&lock);
  }
  return buffer;
}

/* Out of the table before the call: afterwards another thread may have the old address. */
EXPORT void *arrow_mi_realloc_aligned(void *buffer, size_t size, size_t alignment) {
  void *(*resize)(void *, size_t, size_t) =
      (void *(*)(void *, size_t, size_t))next("arrow_mi_realloc_aligned");
  pthread_mutex_lock(&lock);
  size_t old_size = leave(buffer);
  pthread_mutex_unlock(&lock);
  void *resized = resize(buffer, size, alignment);
  pthread_mutex_lock(&lock);
  enter(resized ? resized : buffer, resized ? size : old_size, alignment);
  if (resized) {
    figures.reallocations++;
    figures.growths += size > old_size;
    figures.total_bytes += size > old_size ? (int64_t)(size - old_size) : 0;
  }
  pthread_mutex_unlock(&lock);
  return resized;
}

EXPORT void arrow_mi_free(void *buffer) {
  void (*drop)(void *) = (void (*)(void *))next("arrow_mi_free");
  pthread_mutex_lock(&lock);
  leave(buffer);
  figures.frees++;
  pthread_mutex_unlock(&lock);
  drop(buffer);
}

EXPORT void witness_read(witness_figures *out) {
  pthread_mutex_lock(&lock);
  *out = figures;
  pthread_mutex_unlock(&lock);
}
