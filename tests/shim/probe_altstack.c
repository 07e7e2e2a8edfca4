/* Dumps on an alternate signal stack, painted all over, below which a page cannot be touched and, where the
 * size is no number of pages, some bytes are the program's: by arguments WAY FROM [TO STEP [POOLS]], for each
 * size (bytes;
 * "+N" is N more than the kernel's own frame may take) in a child of its own:
 *
 *     signal   SIGUSR2 arrives (ARROW_POOL_STATS_SIGNAL)
 *     nested   SIGUSR2 arrives in a handler of SIGSEGV, which is on that stack already
 *     abort    a handler of SIGSEGV calls abort
 *     _exit    a handler of SIGSEGV calls _exit
 *     fork     a handler of SIGSEGV forks, as crash reporters do; the stack is not shared then
 *     first    a handler of SIGSEGV allocates for the first time, then calls _exit
 *
 * Prints, for each, "SIZE: used N" and fails where a child ends otherwise than it should, or bytes below the
 * stack were written. */
#include "probe.h"

#include "arrowpool.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define PAINT 0x5a

static const char *way;
static size_t pools = 1;
static char *bottom, *end; /* of the pages that the stack is in */
static size_t *told;       /* by the child and its own, in shared memory: bytes that nobody wrote to */

static void use_pools(void) {
  for (size_t i = 0; i < pools; i++) {
    char name[24];
    arrowpool_pool *pool;
    uint8_t *buffer;
    void *aligned;
    snprintf(name, sizeof name, "pool-%zu", i);
    if (arrowpool_create(name, NULL, &pool) || arrowpool_allocate(pool, 1000, 64, &buffer) ||
        posix_memalign(&aligned, 64, 1000))
      _exit(9);
  }
}

/* Bytes from the bottom up that nobody wrote to. */
static size_t count_untouched(void) {
  const char *at = bottom;
  while (at < end && *at == PAINT)
    at++;
  return (size_t)(at - bottom);
}

static void on_segv(int number) {
  (void)number;
  if (strcmp(way, "nested") == 0)
    raise(SIGUSR2);
  if (strcmp(way, "abort") == 0)
    abort();
  if (strcmp(way, "first") == 0)
    use_pools();
  if (strcmp(way, "fork") == 0) {
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
      *told = count_untouched();
      _exit(7);
    }
    if (waitpid(child, &status, 0) != child || status != 7 << 8)
      _exit(8);
    return;
  }
  _exit(7);
}

static _Noreturn void in_child(char *stack, size_t size) {
  const stack_t s = {.ss_sp = stack, .ss_size = size};
  const struct sigaction crash = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&s, NULL) || sigaction(SIGSEGV, &crash, NULL))
    _exit(9);
  if (strcmp(way, "first") != 0)
    use_pools();
  raise(strcmp(way, "signal") == 0 ? SIGUSR2 : SIGSEGV);
  if (sigaltstack(&(const stack_t){.ss_flags = SS_DISABLE}, NULL)) /* the last dump is not on it */
    _exit(9);
  size_t untouched = count_untouched();
  *told = untouched < *told ? untouched : *told;
  _exit(7);
}

static void try(size_t size) {
  bool forks = strcmp(way, "fork") == 0;
  size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page, untouched;
  int protection = PROT_READ | PROT_WRITE;
  told = mmap(NULL, page, protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *memory =
      mmap(NULL, whole + page, protection, (forks ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
  if (told == MAP_FAILED || memory == MAP_FAILED || mprotect(memory, page, PROT_NONE))
    exit(2);
  bottom = memory + page;
  end = bottom + whole;
  char *stack = end - size;
  memset(bottom, PAINT, whole);
  pid_t child = fork();
  if (child == 0)
    in_child(stack, size);
  int status = 0;
  waitpid(child, &status, 0);
  untouched = forks ? *told : count_untouched();
  printf("%zu: used %zu\n", size, whole - untouched);
  CHECK(status == (strcmp(way, "abort") == 0 ? SIGABRT : 7 << 8), "%zu: status %x", size, (unsigned)status);
  CHECK(bottom + untouched >= stack, "%zu: %zu bytes of the program's were overwritten", size,
        (size_t)(stack - bottom - untouched));
  munmap(memory, whole + page);
  munmap(told, page);
}

static size_t size_of(const char *text) {
  return *text == '+' ? getauxval(AT_MINSIGSTKSZ) + strtoul(text + 1, NULL, 10) : strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  way = argv[1];
  setvbuf(stdout, NULL, _IONBF, 0);
  size_t from = size_of(argv[2]), to = argc > 3 ? size_of(argv[3]) : from;
  size_t step = argc > 4 ? strtoul(argv[4], NULL, 10) : 64;
  if (argc > 5)
    pools = strtoul(argv[5], NULL, 10);
  for (size_t size = from; size <= to; size += step)
    try(size);
  return probe_failures != 0;
}
