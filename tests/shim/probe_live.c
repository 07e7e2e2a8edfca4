/* What the tests of live files and of dumps in between have done to a process, by the first argument:
 *
 *     witness FILE     allocate, grow and free without end; FILE says how many operations were begun and done
 *     threads COUNT    COUNT threads use a pool each to an exact total, then the process waits for its stdin
 *     daemon           close all descriptors and leave the directory, then go on allocating in new threads
 *     exec PROGRAM...  allocate 1000 bytes, then become PROGRAM
 *     signal NUMBER FILE   send itself the signal; fails unless FILE is there when that returns
 *     until FILE LINES     wait until FILE has so many lines, at most ten minutes
 *     truncate FILE    cut its own live file off, then go on allocating */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void *allocate(size_t size) {
  void *buffer;
  if (posix_memalign(&buffer, 64, size))
    abort();
  memset(buffer, 1, size);
  return buffer;
}

/* Operation i of the endless sequence; live.py knows the same. */
static void witness(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 4096))
    abort();
  volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *begun = done + 1;
  if (done == MAP_FAILED)
    abort();
  char *buffer = NULL;
  for (uint64_t i = 0;; i++) {
    size_t size = 1000 + (size_t)(i / 3 * 7919 % 300000);
    *begun = i + 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (i % 3 == 0)
      buffer = allocate(size);
    else if (i % 3 == 1)
      buffer = realloc(buffer, size * 2);
    else
      free(buffer);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *done = i + 1;
  }
}

/* 1000 rounds of 100 to 1099 bytes, 599,500 in all; the last ten stay, 10,945 bytes. */
static void *use_pool(void *barrier) {
  void *kept[10];
  for (size_t i = 0; i < 1000; i++) {
    void *buffer = allocate(100 + i);
    if (i < 990)
      free(buffer);
    else
      kept[i - 990] = buffer;
  }
  pthread_barrier_wait(barrier); /* all have their own shard at the same time */
  return kept[0];
}

static void use_in_threads(int count) {
  pthread_t threads[256];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, (unsigned)count);
  for (int i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, use_pool, &barrier))
      abort();
  for (int i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
}

static void wait_for_stdin(void) {
  char c;
  puts("ready");
  fflush(stdout);
  if (read(0, &c, 1) < 0)
    abort();
}

static void become_daemon(void) {
  free(allocate(100));
  if (chdir("/"))
    abort();
  for (int fd = 3; fd < 1024; fd++)
    close(fd);
  use_in_threads(200); /* more shards than the file had room for */
}

static int count_lines(const char *path) {
  int lines = 0, c;
  FILE *stream = fopen(path, "re");
  while (stream && (c = getc(stream)) != EOF)
    lines += c == '\n';
  if (stream)
    fclose(stream);
  return lines;
}

static int wait_for_lines(const char *path, int lines) {
  free(allocate(100));
  time_t start = time(NULL);
  while (count_lines(path) < lines) {
    if (time(NULL) - start > 600)
      return 1;
    poll(NULL, 0, 10);
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "witness") == 0)
    witness(argv[2]);
  if (strcmp(what, "threads") == 0) {
    use_in_threads(atoi(argv[2]));
    wait_for_stdin();
    return 0;
  }
  if (strcmp(what, "daemon") == 0) {
    become_daemon();
    wait_for_stdin();
    return 0;
  }
  if (strcmp(what, "exec") == 0) {
    allocate(1000);
    execv(argv[2], argv + 2);
    return 127;
  }
  if (strcmp(what, "signal") == 0) {
    allocate(1000);
    raise(atoi(argv[2]));
    return access(argv[3], F_OK) ? 1 : 0;
  }
  if (strcmp(what, "until") == 0)
    return wait_for_lines(argv[2], atoi(argv[3]));
  if (strcmp(what, "truncate") == 0) {
    allocate(1000);
    if (truncate(argv[2], 0))
      abort();
    use_in_threads(20);
    puts("went on");
    return 0;
  }
  fputs("probe_live: see its head comment\n", stderr);
  return 2;
}
