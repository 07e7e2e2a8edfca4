/* One ELF file as the loader would see it: libelf reads it, and it never runs. Files may be cut off or made
 * up: what they say is checked, and a file that makes no sense is a sentence. */
#ifndef ARROWPOOL_CLI_PROGRAM_ELF_FILE_H
#define ARROWPOOL_CLI_PROGRAM_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct Elf;

typedef struct elf_file {
  struct Elf *elf;
  int fd;
  bool fits;                  /* it is 64-bit, of the processor that this program was compiled for */
  char machine[48];           /* "64-bit ARM (aarch64)" */
  bool is_dynamic;            /* it has what the loader links by */
  char interpreter[PATH_MAX]; /* the loader; empty: it has none */
  const char *soname;         /* it lives as long as the file is open; NULL: there is none */
} elf_file;

typedef struct elf_symbol {
  const char *name;
  bool defined, undefined;
} elf_symbol;

/* Opens and reads a file. Returns NULL, else what is wrong with it, in words; nothing is held then. */
const char *elf_file_open(const char *path, elf_file *out);
void elf_file_close(elf_file *f);

/* Looks symbols up: those that the loader sees, or, with `all`, those for debuggers too. */
void elf_file_find(const elf_file *f, bool all, elf_symbol *wanted, size_t count);

/* Returns the N of the newest version GLIBC_2.N that a C library defines; 0 if it is no glibc. That is what
 * the loader goes by; a release that brought no function, as 2.31, defines none of its own. */
int elf_file_glibc(const elf_file *f);

/* Returns the N of the release 2.N, as a C library names itself; the newest version if it does not. */
int elf_file_glibc_release(const elf_file *f);

/* Returns the N of the newest version GLIBC_2.N that a program or library needs; 0 if it needs none. */
int elf_file_needed_glibc(const elf_file *f);

/* Reads the text of the first ELF note of that owner. Returns false if there is none. */
bool elf_file_note(const elf_file *f, const char *owner, char *out, size_t size);

#endif
