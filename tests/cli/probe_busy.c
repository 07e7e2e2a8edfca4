/* A program for arrowpool attach whose two threads never wait, and are inside malloc half of the time: what
 * is called from there waits for malloc's lock for ever. It loads the library that it is given, and checks
 * what is in its blocks, until SIGUSR1: then it says how they were. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 512, LEAST = 1500, MOST = 3500, WRITTEN = 64 };

typedef struct block {
  unsigned char *bytes;
  size_t size;
} block;

static volatile sig_atomic_t asked;

static void ask(int number) {
  (void)number;
  asked = 1;
}

static void check(const block *b) {
  for (size_t i = 0; i < b->size; i += WRITTEN)
    if (b->bytes[i] != (unsigned char)b->size)
      abort();
}

static void renew(block *b, size_t size) {
  free(b->bytes);
  b->size = size;
  b->bytes = malloc(size);
  if (!b->bytes)
    abort();
  for (size_t i = 0; i < size; i += WRITTEN)
    ((volatile unsigned char *)b->bytes)[i] = (unsigned char)size;
}

static void *work(void *unused) {
  block *blocks = calloc(BLOCKS, sizeof *blocks);
  uint64_t random = 1;
  while (blocks && !asked) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    block *b = &blocks[(random >> 33) % BLOCKS];
    check(b);
    for (int i = 0; i < 8; i++) /* malloc's own part */
      renew(b, LEAST + (random >> (24 + i)) % (MOST - LEAST));
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t other;
  if (argc != 2 || !dlopen(argv[1], RTLD_NOW))
    return 2;
  signal(SIGUSR1, ask);
  if (pthread_create(&other, NULL, work, NULL) != 0)
    return 2;
  puts("ready");
  fflush(stdout);
  work(NULL);
  pthread_join(other, NULL);
  puts("sound");
  return 0;
}
