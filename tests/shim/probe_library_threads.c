/* The half of probe_library with threads and children (probe_library.c says what it is called with). */
#include "probe_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define SHARED  64

typedef struct held {
  void *buffer;
  size_t size;
  unsigned seed;
} held;

static held shared[SHARED];
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static int rounds;

static held exchange(unsigned place, held mine) {
  pthread_mutex_lock(&shared_lock);
  held theirs = shared[place];
  shared[place] = mine;
  pthread_mutex_unlock(&shared_lock);
  return theirs;
}

static held make(unsigned *seed) {
  size_t size = (size_t)rand_r(seed) % (rand_r(seed) % 50 ? rand_r(seed) % 8 ? 500 : 20000 : 3 * MIB) + 1;
  held h = {.size = size, .seed = (unsigned)rand_r(seed)};
  switch (rand_r(seed) % 5) {
  case 0:
    h.buffer = library.calloc(1, size);
    CHECK(h.buffer && is_zero(h.buffer, size), "calloc of %zu bytes", size);
    break;
  case 1:
    if (library.posix_memalign(&h.buffer, (size_t)8 << rand_r(seed) % 10, size))
      h.buffer = NULL;
    break;
  case 2:
    if (rand_r(seed) % 2)
      h.buffer = malloc(size);                    /* the program's */
    else if (posix_memalign(&h.buffer, 64, size)) /* libc's pool's */
      h.buffer = NULL;
    break;
  default:
    h.buffer = library.malloc(size);
  }
  CHECK(h.buffer, "%zu bytes", size);
  fill(h.buffer, size, h.seed);
  return h;
}

static void resize(held *h, unsigned *seed) {
  size_t size = h->size * (size_t)(rand_r(seed) % 20 + 1) / 8 + 1, kept = size < h->size ? size : h->size;
  h->buffer = (rand_r(seed) % 2 ? library.realloc : realloc)(h->buffer, size);
  CHECK(h->buffer && holds(h->buffer, kept, h->seed), "%zu to %zu bytes", h->size, size);
  h->size = size;
  fill(h->buffer, size, h->seed);
}

static void *work(void *number) {
  unsigned seed = (unsigned)(uintptr_t)number;
  for (int i = 0; i < rounds; i++) {
    held h = exchange((unsigned)rand_r(&seed) % SHARED, make(&seed));
    if (!h.buffer)
      continue;
    CHECK(holds(h.buffer, h.size, h.seed), "%zu bytes of another thread", h.size);
    if (rand_r(&seed) % 3 == 0 && h.size < MIB)
      resize(&h, &seed);
    (rand_r(&seed) % 2 ? library.free : free)(h.buffer);
  }
  return NULL;
}

static void free_shared(void) {
  for (unsigned i = 0; i < SHARED; i++) {
    held h = exchange(i, (held){0});
    CHECK(!h.buffer || holds(h.buffer, h.size, h.seed), "%zu bytes", h.size);
    free(h.buffer);
  }
}

int library_threads(int rounds_) {
  rounds = rounds_;
  pthread_t all[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    pthread_create(&all[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < THREADS; i++)
    pthread_join(all[i], NULL);
  free_shared();
  return probe_failures;
}

/* Keeps the library loaded by a handle of its own, now and then. */
static void *hold_now_and_then(void *file) {
  for (int i = 0; i < 200; i++) {
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(handle, "library_malloc");
    void *(*zeroed)(size_t, size_t) = (void *(*)(size_t, size_t))dlsym(handle, "library_calloc");
    char *a = allocate(200), *b = zeroed(10, 200000);
    fill(a, 200, 1);
    CHECK(is_zero(b, 2000000), "calloc");
    dlclose(handle);
    CHECK(holds(a, 200, 1), "a buffer whose library may be gone");
    free(a);
    free(b);
  }
  return NULL;
}

int library_load_at_once(const char *file) {
  pthread_t all[THREADS];
  dlclose(library.handle);
  for (int i = 0; i < THREADS; i++)
    pthread_create(&all[i], NULL, hold_now_and_then, (void *)file);
  for (int i = 0; i < THREADS; i++)
    pthread_join(all[i], NULL);
  return probe_failures;
}

int library_fork(void) {
  pthread_t all[2];
  char *before = library.malloc(5000);
  int status;
  fill(before, 5000, 9);
  rounds = 3000;
  for (uintptr_t i = 0; i < 2; i++)
    pthread_create(&all[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (child == 0) {
      CHECK(holds(before, 5000, 9), "in the child");
      before = library.realloc(before, 2 * MIB);
      CHECK(before && holds(before, 5000, 9), "resized in the child");
      free(before);
      free(library.calloc(1, 100));
      _exit(probe_failures != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0, "a child: %d", status);
  }
  for (int i = 0; i < 2; i++)
    pthread_join(all[i], NULL);
  free_shared();
  CHECK(holds(before, 5000, 9), "in the parent");
  library.free(before);
  return probe_failures;
}
