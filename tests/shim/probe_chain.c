/* A pool in system mode, in a chain of allocators. usage: probe_chain owner | grow | twice
 *   owner  print whether tcmalloc knows of the pool's memory
 *   grow   allocate, grow and free by the pool alone
 *   twice  free aligned memory twice, which a checking allocator finds */
#include "arrowpool.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 1000
#define SIZE   8000

static arrowpool_pool *pool;

static uint8_t *allocate(int64_t size) {
  uint8_t *buffer;
  if (arrowpool_allocate(pool, size, 64, &buffer))
    abort();
  return memset(buffer, 1, (size_t)size);
}

/* By tcmalloc's own figures, if it is there. */
static void print_owner(void) {
  typedef int property(const char *name, size_t *value);
  property *get = (property *)dlsym(RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
  static const char name[] = "generic.current_allocated_bytes";
  size_t before = 0, after = 0;
  if (get)
    get(name, &before);
  for (size_t i = 0; i < BLOCKS; i++)
    allocate(SIZE);
  if (get)
    get(name, &after);
  puts(after - before >= BLOCKS * SIZE ? "tcmalloc's" : "not tcmalloc's");
}

static void grow(void) {
  uint8_t *buffer = allocate(SIZE);
  if (arrowpool_reallocate(pool, SIZE, 100 * SIZE, 64, &buffer))
    abort();
  arrowpool_free(pool, buffer, 100 * SIZE, 64);
  puts("grown");
}

static void free_twice(void) {
  void *buffer;
  if (posix_memalign(&buffer, 64, SIZE))
    abort();
  __asm__ volatile("" : "+r"(buffer)); /* the compiler would see the second free */
  free(buffer);
  __asm__ volatile("" : "+r"(buffer));
  free(buffer);
}

int main(int count, char **arguments) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = ARROWPOOL_BACKEND_SYSTEM};
  if (count != 2 || arrowpool_create("probe", &config, &pool))
    return 2;
  if (!strcmp(arguments[1], "owner"))
    print_owner();
  else if (!strcmp(arguments[1], "grow"))
    grow();
  else
    free_twice();
  return 0;
}
