/* A user's C program: one buffer of a pool of its own, which stays live. Built by install.bats. */
#include <arrowpool.h>

#include <stdio.h>

int main(void) {
  arrowpool_pool *pool;
  uint8_t *buffer;
  if (arrowpool_create("use", NULL, &pool) || arrowpool_allocate(pool, 70000, 64, &buffer) ||
      arrowpool_reallocate(pool, 70000, 90000, 64, &buffer))
    return 1;
  printf("C %s\n", arrowpool_version());
  return 0;
}
