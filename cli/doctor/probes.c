/* Tries in a child process what the kernel grants. The library's own code reserves the range. */
#include "cli/doctor/probes.h"

#include "base/mman.h"
#include "base/proc.h"
#include "base/round_up.h"
#include "memory/range.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool move(char *from, char *to, size_t size) {
  return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
}

static bool has_huge_page(void) {
  static const char key[] = "AnonHugePages:";
  char text[4096];
  const char *line = proc_read("/proc/self/smaps_rollup", text, sizeof text) ? strstr(text, key) : NULL;
  return line && atol(line + strlen(key)) > 0;
}

static void try_moves(probes *out) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *from = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *to = mmap(NULL, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (from == MAP_FAILED || to == MAP_FAILED)
    return;
  memset(from, 1, 8 * page);
  out->moves_pages = move(from, to, page) && to[0] == 1 && from[0] == 0;
  /* Pages that were moved elsewhere and back keep an origin of their own: two mappings lie side by side. */
  out->moves_several =
      move(from + 2 * page, to + 6 * page, page) && move(to + 6 * page, from + 3 * page, page) &&
      move(from + 3 * page, to + 3 * page, 2 * page) && to[3 * page] == 1 && to[4 * page] == 1;
}

static void try_huge_page(probes *out) {
  size_t huge = range_kernel_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", (size_t)2 << 20);
  char *area = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED)
    return;
  out->advises_huge = madvise(area, 2 * huge, MADV_HUGEPAGE) == 0;
  *(volatile char *)round_up((uintptr_t)area, huge) = 1;
  out->gets_huge = out->advises_huge && has_huge_page();
}

static void try_all(probes *out) {
  range_window window = {0};
  try_moves(out);
  try_huge_page(out);
  if (range_reserve() && range_carve(&window, 64 << 20, range_alignment())) {
    out->reserved = range_all.span;
    out->writable = range_commit(&window, 1 << 20);
  }
}

void probes_run(const struct rlimit *address_space, const struct rlimit *data, probes *out) {
  int ends[2], status;
  memset(out, 0, sizeof *out);
  if (pipe(ends))
    return;
  pid_t child = fork();
  if (child == 0) {
    probes found = {.ran = true};
    if ((!address_space || !setrlimit(RLIMIT_AS, address_space)) && (!data || !setrlimit(RLIMIT_DATA, data)))
      try_all(&found);
    else
      found.ran = false;
    _exit(write(ends[1], &found, sizeof found) != sizeof found);
  }
  close(ends[1]);
  if (child > 0 && (read(ends[0], out, sizeof *out) != sizeof *out))
    memset(out, 0, sizeof *out);
  close(ends[0]);
  if (child > 0)
    waitpid(child, &status, 0);
}
