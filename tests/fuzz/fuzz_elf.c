/* Programs and libraries, as the doctor reads them: the input is the file. */
#include "fuzz.h"

#include "cli/program/bundled.h"

#include <stdlib.h>
#include <string.h>

/* Reads all of a text, if there is one. */
static size_t read_text(const char *text) { return text ? strlen(text) : 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static elf_file f; /* large */
  char note[32] = "";
  uint64_t budget = (uint64_t)1 << 20;
  bundled has;
  elf_symbol symbols[] = {{.name = "posix_memalign"}, {.name = "dlopen"}};
  if (elf_file_open(fuzz_file(data, size), &f))
    return 0;
  if (read_text(f.soname) > size || strnlen(f.interpreter, sizeof f.interpreter) == sizeof f.interpreter ||
      strnlen(f.machine, sizeof f.machine) == sizeof f.machine)
    abort();
  elf_file_find(&f, true, symbols, sizeof symbols / sizeof *symbols);
  if (elf_file_glibc(&f) < 0 || elf_file_glibc_release(&f) < 0 || elf_file_needed_glibc(&f) < 0 ||
      (elf_file_note(&f, "arrowpool", note, sizeof note) && strlen(note) >= sizeof note))
    abort();
  if (bundled_look(&f, &budget, &has) && strnlen(has.variable, sizeof has.variable) == sizeof has.variable)
    abort();
  elf_file_close(&f);
  return 0;
}
