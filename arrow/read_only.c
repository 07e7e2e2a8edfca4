/* Has the kernel make a page writable for one store (read_only.h). What the page's protection was, the kernel
 * alone knows: a library may be linked without RELRO, or somebody else may have changed it. */
#include "arrow/read_only.h"

#include "base/nocancel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* A line of /proc/self/maps as far as it was read: "from-to rwxp ...". */
typedef struct maps_line {
  uintptr_t bounds[2];
  int protection;
  enum { MAPS_FROM, MAPS_TO, MAPS_PROTECTION, MAPS_REST } field;
} maps_line;

static unsigned digit_of(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

static void read_character(maps_line *line, char c) {
  if (c == '\n')
    *line = (maps_line){.field = MAPS_FROM};
  else if (c == (line->field == MAPS_FROM ? '-' : ' ') && line->field < MAPS_REST)
    line->field++;
  else if (line->field < MAPS_PROTECTION)
    line->bounds[line->field] = line->bounds[line->field] << 4 | digit_of(c);
  else if (line->field == MAPS_PROTECTION)
    line->protection |= c == 'r' ? PROT_READ : c == 'w' ? PROT_WRITE : c == 'x' ? PROT_EXEC : 0;
}

/* Returns the protection at that address (PROT_READ and so on); -1 if it is not told. */
static int find_protection(int fd, uintptr_t address) {
  maps_line line = {.field = MAPS_FROM};
  char text[1024];
  ssize_t length;
  while ((length = read(fd, text, sizeof text)) > 0)
    for (ssize_t i = 0; i < length; i++) {
      read_character(&line, text[i]);
      if (line.field == MAPS_REST && address >= line.bounds[0] && address < line.bounds[1])
        return line.protection;
    }
  return -1;
}

static int protection_of(const void *address) {
  int cancel_state = nocancel_begin(), fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  int protection = fd < 0 ? -1 : find_protection(fd, (uintptr_t)address);
  if (fd >= 0)
    close(fd);
  nocancel_end(cancel_state);
  return protection;
}

static bool store(void **word, void *value, bool only_locked) {
  int saved = errno, before = protection_of(word);
  size_t size = (size_t)getauxval(AT_PAGESZ);
  void *page = (char *)word - (uintptr_t)word % size;
  bool locked = !(before & PROT_WRITE);
  bool possible = before >= 0 && (locked ? mprotect(page, size, before | PROT_WRITE) == 0 : !only_locked);
  if (possible) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    if (locked)
      mprotect(page, size, before);
  }
  errno = saved;
  return possible;
}

bool read_only_store(void **word, void *value) { return store(word, value, false); }

bool read_only_store_locked(void **word, void *value) { return store(word, value, true); }
