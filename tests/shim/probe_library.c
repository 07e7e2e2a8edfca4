/* A program that loads library_plugin.c's libraries, and passes buffers to and fro. Each check says what is
 * wrong.
 *
 *   probe_library calls LIBRARY         every function, its corners, and errno
 *   probe_library buffers LIBRARY       allocates 100 buffers of 1000 bytes; half of them stay live
 *   probe_library unload LIBRARY COUNT  loads and unloads, while the buffers live on
 *   probe_library threads LIBRARY ROUNDS threads allocate, resize and free at random, whoever it was from
 *   probe_library load LIBRARY          loads and unloads while threads work in it and in the loader
 *   probe_library fork LIBRARY          the child goes on where the parent was
 *   probe_library limit LIBRARY         allocates until there is no more
 *   probe_library grow LIBRARY          a buffer to 256 MiB by doubling
 *   probe_library pairs LIBRARY COUNT   malloc and free of 64 bytes
 *   probe_library overrun LIBRARY       writes behind the end of a buffer, and frees it
 *   probe_library twice LIBRARY         frees a buffer twice
 *   probe_library bare LIBRARY NAME OTHER  has the library load NAME by its bare name, loads OTHER, and
 *                                       allocates from the first
 *   probe_library none                  loads nothing */
#include "probe_library.h"

#include <dlfcn.h>
#include <errno.h>

loaded_library library;

static void load(const char *file) {
  library.handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (!library.handle) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
#define GET(name, symbol) *(void **)&library.name = dlsym(library.handle, "library_" #symbol)
  GET(malloc, malloc);
  GET(calloc, calloc);
  GET(realloc, realloc);
  GET(reallocarray, reallocarray);
  GET(posix_memalign, posix_memalign);
  GET(aligned_alloc, aligned_alloc);
  GET(memalign, memalign);
  GET(usable_size, malloc_usable_size);
  GET(free, free);
  GET(chosen, chosen);
}

static const size_t sizes[] = {1,     15,    16,    64,    65,      1000,    4096,    14336,
                               28672, 28673, 60000, 65536, 1 * MIB, 5 * MIB, 40 * MIB};
#define SIZES (sizeof sizes / sizeof *sizes)

/* ---- every function ---- */

static void check_contents(void) {
  for (size_t i = 0; i < SIZES; i++) {
    size_t size = sizes[i], other = sizes[(i * 7 + 3) % SIZES], kept = size < other ? size : other;
    char *a = library.malloc(size), *b = library.calloc(1, size), *c = malloc(size);
    CHECK(a && b && c && is_aligned(a, 16) && is_aligned(b, 16), "%zu bytes", size);
    CHECK(library.usable_size(a) >= size, "%zu bytes", size);
    CHECK(is_zero(b, size), "calloc of %zu bytes", size);
    fill(a, size, 1);
    fill(b, size, 2);
    fill(c, size, 3);
    a = realloc(a, other); /* by the program */
    b = library.realloc(b, other);
    c = library.realloc(c, other); /* a stranger's */
    CHECK(a && holds(a, kept, 1) && b && holds(b, kept, 2) && c && holds(c, kept, 3), "%zu to %zu", size,
          other);
    free(a);
    library.free(b);
    library.free(c);
    b = library.calloc(size, 1); /* dirty memory comes back */
    CHECK(b && is_zero(b, size), "calloc of %zu bytes again", size);
    free(b);
    a = library.realloc(NULL, size);
    b = library.reallocarray(NULL, 1, size);
    b = library.reallocarray(b, 2, size);
    CHECK(a && b, "realloc of nothing, %zu bytes", size);
    fill(a, size, 4);
    fill(b, 2 * size, 5);
    CHECK(holds(a, size, 4) && holds(b, 2 * size, 5), "%zu bytes", size);
    free(a);
    library.free(b);
  }
}

static void check_alignments(void) {
  for (size_t alignment = 8; alignment <= 4 * MIB; alignment *= 2)
    for (size_t i = 0; i < 6; i++) {
      void *a = NULL, *b = library.aligned_alloc(alignment, sizes[i] * alignment),
           *c = library.memalign(alignment, sizes[i]);
      CHECK(library.posix_memalign(&a, alignment, sizes[i]) == 0, "alignment %zu", alignment);
      CHECK(a && b && c && is_aligned(a, alignment) && is_aligned(b, alignment) && is_aligned(c, alignment),
            "alignment %zu", alignment);
      free(a);
      library.free(b);
      free(c);
      if (alignment > 4096)
        break;
    }
}

static void check_corners(void) {
  void *a = library.malloc(0), *b = library.malloc(0), *out = &a;
  CHECK(a && b && a != b, "malloc(0)");
  free(a);
  library.free(b);
  library.free(NULL);
  errno = 0;
  a = library.malloc(hide_size(SIZE_MAX));
  CHECK(!a && errno == ENOMEM, "malloc(SIZE_MAX): %d", errno);
  errno = 0;
  a = library.malloc(hide_size(SIZE_MAX / 4));
  CHECK(!a && errno == ENOMEM, "malloc(SIZE_MAX / 4): %d", errno);
  errno = 0;
  a = library.calloc(hide_size(SIZE_MAX / 2), 3);
  CHECK(!a && errno == ENOMEM, "calloc: %d", errno);
  errno = 0;
  a = library.reallocarray(NULL, hide_size(SIZE_MAX / 2), 3);
  CHECK(!a && errno == ENOMEM, "reallocarray: %d", errno);
  errno = 0;
  CHECK(library.posix_memalign(&out, 24, 100) == EINVAL && out == &a && errno == 0, "posix_memalign: %d",
        errno);
  CHECK(library.posix_memalign(&out, 2, 100) == EINVAL && out == &a && errno == 0, "posix_memalign: %d",
        errno);
  errno = 4711;
  a = library.malloc(100);
  b = library.calloc(1 * MIB, 2);
  a = library.realloc(a, 1 * MIB);
  free(a);
  library.free(b);
  CHECK(errno == 4711, "errno: %d", errno);
  CHECK(library.chosen() == 1, "a function that a resolver chose");
}

static void calls(void) {
  check_contents();
  check_alignments();
  check_corners();
}

static void buffers(void) {
  for (int i = 0; i < 100; i++) {
    char *buffer = library.malloc(1000);
    fill(buffer, 1000, 7);
    if (i % 2)
      free(buffer);
  }
}

static void unload(const char *file, int count) {
  static char *small[1000], *large[1000];
  for (int i = 0; i < count; i++) {
    if (i)
      load(file);
    CHECK((small[i] = library.malloc(100)) && (large[i] = library.malloc(300000)), "load %d", i);
    fill(small[i], 100, (unsigned)i);
    fill(large[i], 300000, (unsigned)i);
    dlclose(library.handle);
    CHECK(!dlopen(file, RTLD_LAZY | RTLD_NOLOAD), "%s is still loaded", file);
  }
  for (int i = 0; i < count; i++) {
    CHECK(holds(small[i], 100, (unsigned)i) && holds(large[i], 300000, (unsigned)i), "after load %d", i);
    if (i % 2 == 0) {
      large[i] = realloc(large[i], 2 * MIB);
      CHECK(large[i] && holds(large[i], 300000, (unsigned)i), "resized after load %d", i);
    }
    free(small[i]);
    free(large[i]);
  }
}

/* ---- the rest ---- */

static void limit(void) {
  int count = 0;
  errno = 0;
  while (count < 1000 && library.malloc(MIB))
    count++;
  printf("%d buffers, errno %s\n", count, errno == ENOMEM ? "ENOMEM" : "another");
}

static void grow(void) {
  size_t size = 64;
  for (char *buffer = library.malloc(size); size <= 256 * MIB; size *= 2) {
    memset(buffer + size / 2, 1, size / 2);
    buffer = library.realloc(buffer, 2 * size);
    if (!buffer)
      exit(3);
  }
}

static void overrun(void) {
  char *buffer = library.malloc(100);
  ((char *)hide(buffer))[100] = 1;
  free(buffer);
}

static void twice(void) {
  void *buffer = hide(library.malloc(300000));
  library.free(buffer);
  free(hide(buffer));
}

/* The plugin takes its handle back, but the library is kept by this one. */
static int bare(const char *plugin, const char *name, const char *other) {
  void *handle = dlopen(plugin, RTLD_LAZY | RTLD_LOCAL);
  int (*load_by_name)(const char *) = (int (*)(const char *))dlsym(handle, "probe_load_and_keep");
  if (!load_by_name || load_by_name(name) || !dlopen(other, RTLD_LAZY | RTLD_LOCAL))
    return 2;
  char file[4096];
  snprintf(file, sizeof file, "%.*s/%s", (int)(strrchr(plugin, '/') - plugin), plugin, name);
  void *loaded = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
  void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(loaded, "library_malloc");
  if (!allocate)
    return 2;
  free(allocate(1000));
  return 0;
}

static void pairs(long count) {
  while (count--) {
    char *buffer = library.malloc(64);
    *(volatile char *)buffer = 1;
    library.free(buffer);
  }
}

#ifdef BYPASS
/* A program with such a call frees past the shim. */
extern void __libc_free(void *buffer);
void (*bypass)(void *buffer) = __libc_free;
#endif

int main(int argc, char **argv) {
  if (argc < 3)
    return 0;
  const char *what = argv[1], *file = argv[2];
  if (strcmp(what, "bare") == 0)
    return bare(file, argv[3], argv[4]);
  load(file);
  if (strcmp(what, "calls") == 0)
    calls();
  else if (strcmp(what, "buffers") == 0)
    buffers();
  else if (strcmp(what, "unload") == 0)
    unload(file, atoi(argv[3]));
  else if (strcmp(what, "threads") == 0)
    probe_failures = library_threads(atoi(argv[3]));
  else if (strcmp(what, "load") == 0)
    probe_failures = library_load_at_once(file);
  else if (strcmp(what, "fork") == 0)
    probe_failures = library_fork();
  else if (strcmp(what, "limit") == 0)
    limit();
  else if (strcmp(what, "grow") == 0)
    grow();
  else if (strcmp(what, "overrun") == 0)
    overrun();
  else if (strcmp(what, "twice") == 0)
    twice();
  else if (strcmp(what, "pairs") == 0)
    pairs(atol(argv[3]));
  return probe_failures != 0;
}
