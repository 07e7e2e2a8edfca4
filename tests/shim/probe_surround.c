/* Allocate, grow and free in surroundings that are named by the arguments, in this order of events; contents
 * are checked, and a refusal has to leave the buffer as it was. Exit status 0: everything held.
 *
 *     address-space=MIB  data=MIB   set the limit to so much more than is in use now
 *     no-descriptors     open files until there is no descriptor left
 *     no-threads         fails unless no thread can be made
 *     lock-now  lock-future         mlockall
 *     top=KIB            how far buffers grow; 32 MiB unless it is said
 *     refused            some growth has to be refused; otherwise none may
 *     fill=FILE          give each closed one of the descriptors 0, 1 and 2 to a file of the program's own,
 * FILE0 and so on, and let nothing but this program write there abort  _exit       the way out; otherwise a
 * return from main */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUFFERS 4

static size_t top = (size_t)32 << 20;
static int refusals;

/* A word for each 512 bytes, from the first to the last. */
static void stamp(char *buffer, size_t from, size_t to, uint64_t tag) {
  for (size_t at = from & ~(size_t)511; at + 8 <= to; at += 512) {
    uint64_t word = tag << 48 | at;
    memcpy(buffer + at, &word, 8);
  }
}

static int is_stamped(const char *buffer, size_t size, uint64_t tag) {
  for (size_t at = 0; at + 8 <= size; at += 512) {
    uint64_t word;
    memcpy(&word, buffer + at, 8);
    if (word != (tag << 48 | at))
      return 0;
  }
  return 1;
}

/* One step of growth; 0 when it was refused. */
static int grow(char **buffer, size_t *size, uint64_t tag) {
  size_t wanted = *size * 2 + 4096;
  char *grown = realloc(hide(*buffer), wanted);
  if (!grown) {
    CHECK(errno == ENOMEM, "errno %d", errno);
    CHECK(is_stamped(*buffer, *size, tag), "after a refusal of %zu", wanted);
    refusals++;
    return 0;
  }
  CHECK(is_stamped(grown, *size, tag), "%zu bytes grew to %zu", *size, wanted);
  stamp(grown, *size, wanted, tag);
  *buffer = grown;
  *size = wanted;
  return 1;
}

/* All buffers grow in turns; the odd ones go first at the end. */
static void work(uint64_t round) {
  char *buffers[BUFFERS];
  size_t sizes[BUFFERS];
  for (uint64_t i = 0; i < BUFFERS; i++) {
    sizes[i] = 100 + i * 30000;
    int error = posix_memalign((void **)&buffers[i], 64, sizes[i]);
    CHECK(!error, "%zu bytes: %s", sizes[i], strerror(error));
    if (error) {
      buffers[i] = NULL;
      sizes[i] = 0;
    }
    stamp(buffers[i], 0, sizes[i], round + i);
  }
  for (int active = BUFFERS; active;) {
    active = 0;
    for (uint64_t i = 0; i < BUFFERS; i++)
      if (sizes[i] && sizes[i] < top)
        active += grow(&buffers[i], &sizes[i], round + i);
  }
  for (uint64_t i = 0; i < BUFFERS; i++) {
    uint64_t next = (i * 3 + 1) % BUFFERS;
    CHECK(is_stamped(buffers[next], sizes[next], round + next), "buffer %d at the end", (int)next);
    free(buffers[next]);
  }
}

static void set_limit(int which, const char *key, const char *mebibytes) {
  char line[128];
  size_t used = 0;
  FILE *status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status))
    if (strncmp(line, key, strlen(key)) == 0)
      used = strtoull(line + strlen(key), NULL, 10) << 10;
  if (status)
    fclose(status);
  struct rlimit limit;
  if (!used || getrlimit((__rlimit_resource_t)which, &limit))
    abort();
  limit.rlim_cur = used + (strtoull(mebibytes, NULL, 10) << 20);
  if (setrlimit((__rlimit_resource_t)which, &limit))
    abort();
}

static void *nothing(void *unused) { return unused; }

static void expect_no_threads(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, nothing, NULL) == EAGAIN, "a thread can be made");
}

static void take_descriptors(void) {
  struct rlimit limit = {64, 64};
  if (setrlimit(RLIMIT_NOFILE, &limit))
    abort();
  while (open("/dev/null", O_RDONLY) >= 0) {
  }
  CHECK(errno == EMFILE, "errno %d", errno);
}

static void fill_streams(const char *path) {
  for (int fd = 0; fd <= 2; fd++) {
    char name[4096];
    if (fcntl(fd, F_GETFD) >= 0)
      continue;
    snprintf(name, sizeof name, "%s%d", path, fd);
    if (open(name, O_RDWR | O_CREAT | O_TRUNC, 0600) != fd || write(fd, "own\n", 4) != 4)
      abort();
  }
}

/* What the arguments say comes before the work; the value after the '='. */
static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static void surround(const char *word) {
  const char *value;
  if ((value = value_of(word, "address-space")) != NULL)
    set_limit(RLIMIT_AS, "VmSize:", value);
  else if ((value = value_of(word, "data")) != NULL)
    set_limit(RLIMIT_DATA, "VmData:", value);
  else if ((value = value_of(word, "top")) != NULL)
    top = (size_t)strtoull(value, NULL, 10) << 10;
  else if ((value = value_of(word, "fill")) != NULL)
    fill_streams(value);
  else if (strcmp(word, "no-descriptors") == 0)
    take_descriptors();
  else if (strcmp(word, "no-threads") == 0)
    expect_no_threads();
  else if (strcmp(word, "lock-now") == 0 || strcmp(word, "lock-future") == 0)
    CHECK(mlockall(word[5] == 'n' ? MCL_CURRENT : MCL_FUTURE) == 0, "errno %d", errno);
}

static int has(int count, char **words, const char *word) {
  for (int i = 1; i < count; i++)
    if (strcmp(words[i], word) == 0)
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    surround(argv[i]);
  for (uint64_t round = 0; round < 3; round++)
    work(round * 10);
  int wanted = has(argc, argv, "refused");
  CHECK(wanted == (refusals > 0), "%d refusals", refusals);
  if (probe_failures)
    return 1;
  if (has(argc, argv, "abort"))
    abort();
  if (has(argc, argv, "_exit"))
    _exit(0);
  return 0;
}
