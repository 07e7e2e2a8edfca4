/* What a program may do to the pages of a buffer, which it then frees or grows: the next buffer must not
 * notice. Says "ordinary" for each way, or what is wrong. usage: probe_pages BYTES [GROWN] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t page;

static int guard(void *at) { return mprotect(at, page, PROT_NONE); }
static int read_only(void *at) { return mprotect(at, page, PROT_READ); }
static int wipe(void *at) { return madvise(at, page, MADV_WIPEONFORK); }
static int no_child(void *at) { return madvise(at, page, MADV_DONTFORK); }
static int lock(void *at) { return mlock(at, page); }
static int lock_later(void *at) { return mlock2(at, page, 1 /* MLOCK_ONFAULT */); }
static int unmap(void *at) { return munmap(at, page); }

static int file = -1;
static int map_file(void *at) {
  file = memfd_create("probe", 0);
  return file < 0 || ftruncate(file, (off_t)page) ||
         mmap(at, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != at;
}
static int move_away(void *at) { return mremap(at, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED; }

static const struct way {
  const char *name;
  int (*alter)(void *at);
  int readable;
} ways[] = {{"guard", guard, 0},       {"read-only", read_only, 1}, {"wipe", wipe, 1},
            {"no child", no_child, 1}, {"lock", lock, 1},           {"lock later", lock_later, 1},
            {"unmap", unmap, 0},       {"file", map_file, 1},       {"move away", move_away, 0}};

static char *make(size_t size) {
  void *buffer = NULL;
  if (posix_memalign(&buffer, 64, size))
    abort();
  return buffer;
}

static int locked(void) {
  char line[256];
  int kib = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    sscanf(line, "VmLck: %d", &kib);
  fclose(status);
  return kib;
}

static const char *judge(char *buffer, size_t size) {
  int status = 1;
  memset(buffer, 0x5a, size);
  if (fork() == 0) {
    for (size_t i = 0; i < size; i++)
      if (buffer[i] != 0x5a)
        _exit(1);
    _exit(0);
  }
  char first = 0;
  if (wait(&status) < 0 || status)
    return "not all there in a child";
  if (file >= 0 && pread(file, &first, 1, 0) == 1 && first == 0x5a)
    return "written to the file";
  return locked() ? "locked" : "ordinary";
}

int main(int argc, char **argv) {
  size_t size = strtoul(argv[1], NULL, 0), grown = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
  page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    if (grown && !ways[i].readable) /* what cannot be read cannot be copied either */
      continue;
    char *buffer = make(size), *at = (char *)((uintptr_t)(buffer + size / 2) & ~(page - 1));
    memset(buffer, 1, size);
    if (ways[i].alter(at)) {
      printf("%s: cannot be done here\n", ways[i].name);
      free(buffer);
      continue;
    }
    if (grown && !(buffer = realloc(buffer, grown)))
      abort();
    if (grown && (buffer[0] != 1 || buffer[size - 1] != 1))
      printf("%s: contents lost\n", ways[i].name);
    free(buffer);
    char *next[3];
    for (int k = 0; k < 3; k++)
      next[k] = make(size);
    printf("%s:", ways[i].name);
    for (int k = 0; k < 3; k++)
      printf(" %s", judge(next[k], size));
    printf("\n");
    for (int k = 0; k < 3; k++)
      free(next[k]);
    if (file >= 0)
      close(file);
    file = -1;
  }
}
