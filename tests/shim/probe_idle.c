/* Leaves memory idle, for tests of what becomes of it when memory is short.
 *
 *     hold KIB COUNT IDLE DONE   fills so many buffers of that size and frees them, makes the file IDLE,
 * waits for the file DONE, and has as many buffers again, with contents that hold need MIB has so much memory
 * of the kernel's at once loop KIB COUNT MS TIMES    fills buffers and frees them, again and again, with a
 * pause after each time, and says how many page faults that took after the first three times
 */
#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000

static char *buffers[MOST];

static void pause_for(long milliseconds) {
  nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

/* A word in each page, the first and the last ones included, which differs between buffers and rounds. */
static uint64_t word_at(long buffer, size_t at, uint64_t round) {
  return round << 56 | (uint64_t)buffer << 32 | at;
}

static void make(long count, size_t size, uint64_t round) {
  for (long i = 0; i < count; i++) {
    CHECK(posix_memalign((void **)&buffers[i], 64, size) == 0, "buffer %ld", i);
    for (size_t at = 0; at < size; at += 4096)
      memcpy(buffers[i] + at, &(uint64_t){word_at(i, at, round)}, 8);
  }
}

static void check_and_free(long count, size_t size, uint64_t round) {
  for (long i = 0; i < count; i++) {
    for (size_t at = 0; at < size; at += 4096)
      CHECK(memcmp(buffers[i] + at, &(uint64_t){word_at(i, at, round)}, 8) == 0, "buffer %ld at %zu", i, at);
    free(hide(buffers[i]));
  }
}

static int hold(long count, size_t size, const char *idle, const char *done) {
  make(count, size, 1);
  check_and_free(count, size, 1);
  close(open(idle, O_CREAT | O_WRONLY, 0600));
  for (int tries = 0; access(done, F_OK) != 0; tries++) {
    CHECK(tries < 3000, "nobody made %s", done);
    pause_for(20);
  }
  make(count, size, 2);
  check_and_free(count, size, 2);
  return 0;
}

static int need(size_t size) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED, "%zu bytes", size);
  for (size_t at = 0; at < size; at += 4096)
    memory[at] = 1;
  return 0;
}

static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

static int loop(long count, size_t size, long milliseconds, long times) {
  long before = 0;
  for (long i = 0; i < times; i++) {
    if (i == 3)
      before = faults();
    make(count, size, (uint64_t)i & 127);
    check_and_free(count, size, (uint64_t)i & 127);
    pause_for(milliseconds);
  }
  printf("%ld\n", faults() - before);
  return 0;
}

int main(int argc, char **argv) {
  long a = argc > 2 ? atol(argv[2]) : 0, b = argc > 3 ? atol(argv[3]) : 0;
  CHECK(b <= MOST, "%ld buffers", b);
  if (argc == 6 && strcmp(argv[1], "hold") == 0)
    return hold(b, (size_t)a << 10, argv[4], argv[5]);
  if (argc == 6 && strcmp(argv[1], "loop") == 0)
    return loop(b, (size_t)a << 10, atol(argv[4]), atol(argv[5]));
  CHECK(argc == 3 && strcmp(argv[1], "need") == 0, "usage: see the file");
  return need((size_t)a << 20);
}
