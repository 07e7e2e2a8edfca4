/* See unit.h. */
#include "unit.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHOLE     (32 * KIB) /* written in full up to this size */
#define PAGE      4096
#define EDGE      128 /* bytes at the begin and the end */
#define PAGE_PART 16  /* bytes of each page */

#define CHILD_SECONDS 600 /* a child that takes longer hangs */

#if UNIT_ASAN
/* Leaks are looked for: buffers of the system backend are ordinary allocations, and a lost one is a bug;
 * jemalloc's are invisible to the leak checker, and no test keeps a pointer to an ordinary one inside them.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1:detect_leaks=1"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }
#elif UNIT_TSAN
/* The deadlock detector gives up at 64 locks held by a thread; a fork takes all of locks.h's, and jemalloc's.
 * Their order is written down in locks.h. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  /* The housekeeping thread ends by itself and is joined by the next one, or by a fork; exit has no reason to
   * wait for it. */
  return "allocator_may_return_null=1:halt_on_error=1:detect_deadlocks=0:report_thread_leaks=0:die_after_"
         "fork=0";
}
#endif

void unit_check_failed(const char *file, int line, const char *condition) {
  dprintf(STDERR_FILENO, "%s:%d: failed: %s\n", file, line, condition);
  abort();
}

/* cmocka's handlers would have a child that crashes go on with the other tests. */
static void crash_for_good(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (size_t i = 0; i < COUNT_OF(faults); i++)
    signal(faults[i], SIG_DFL);
}

bool unit_in_child(void (*body)(void)) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    alarm(CHILD_SECONDS);
    crash_for_good();
    body();
    _exit(0);
  }
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool unit_has_addresses(int64_t bytes) {
  long reserved = syscall(SYS_mmap, NULL, (size_t)bytes, PROT_NONE, /* past a sanitizer's mmap, as range.c */
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  return reserved != -1 && syscall(SYS_munmap, reserved, (size_t)bytes) == 0;
}

void unit_run_threads(int count, void *(*body)(void *index)) {
  pthread_t threads[64];
  CHECK(count <= (int)COUNT_OF(threads));
  for (int i = 0; i < count; i++)
    CHECK(pthread_create(&threads[i], NULL, body, (void *)(intptr_t)i) == 0);
  for (int i = 0; i < count; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
}

static uint8_t byte_at(uint64_t tag, int64_t offset) {
  uint64_t mixed =
      (tag + (uint64_t)offset / PAGE * 0x9e3779b97f4a7c15) ^ (uint64_t)offset * 0xff51afd7ed558ccd;
  return (uint8_t)(mixed >> 29 ^ mixed >> 7);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void write_stretch(uint8_t *buffer, int64_t from, int64_t upto, uint64_t tag) {
  for (int64_t i = from; i < upto; i++)
    buffer[i] = byte_at(tag, i);
}

static bool stretch_matches(const uint8_t *buffer, int64_t from, int64_t upto, uint64_t tag) {
  for (int64_t i = from; i < upto; i++)
    if (buffer[i] != byte_at(tag, i))
      return false;
  return true;
}

void unit_write(uint8_t *buffer, int64_t size, uint64_t tag) {
  if (size <= WHOLE) {
    write_stretch(buffer, 0, size, tag);
    return;
  }
  write_stretch(buffer, 0, EDGE, tag);
  for (int64_t page = 0; page < size; page += PAGE)
    write_stretch(buffer, page, least(page + PAGE_PART, size), tag);
  write_stretch(buffer, size - EDGE, size, tag);
}

bool unit_matches(const uint8_t *buffer, int64_t written, int64_t upto, uint64_t tag) {
  upto = least(written, upto);
  if (written <= WHOLE)
    return stretch_matches(buffer, 0, upto, tag);
  if (!stretch_matches(buffer, 0, least(EDGE, upto), tag))
    return false;
  for (int64_t page = 0; page < upto; page += PAGE)
    if (!stretch_matches(buffer, page, least(page + PAGE_PART, upto), tag))
      return false;
  return stretch_matches(buffer, written - EDGE, upto, tag);
}

void unit_smaps(const void *from, size_t size, void (*visit)(const char *line, void *context),
                void *context) {
  FILE *file = fopen("/proc/self/smaps", "r");
  CHECK(file);
  char line[512];
  bool within = false;
  uintptr_t begin, end, at = (uintptr_t)from;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2)
      within = begin < at + size && end > at;
    else if (within)
      visit(line, context);
  fclose(file);
}

typedef struct smaps_field {
  const char *name;
  int64_t sum;
  bool known;
} smaps_field;

static void add_field(const char *line, void *context) {
  smaps_field *field = context;
  size_t length = strlen(field->name);
  if (strncmp(line, field->name, length) != 0 || line[length] != ':')
    return;
  field->known = true;
  field->sum += strtoll(line + length + 1, NULL, 10) * KIB;
}

int64_t unit_smaps_sum(const char *field, const void *from, size_t size) {
  smaps_field within = {.name = field};
  unit_smaps(from, size, add_field, &within);
  return within.known ? within.sum : -1;
}
