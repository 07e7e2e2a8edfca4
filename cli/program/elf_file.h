/* One ELF file as the loader would see it: read by libelf, never run. Files may be cut off or made up: what
 * they say is checked, and a file that makes no sense is a sentence. */
#ifndef ARROWPOOL_CLI_PROGRAM_ELF_FILE_H
#define ARROWPOOL_CLI_PROGRAM_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct Elf;

typedef struct elf_file {
  struct Elf *elf;
  int fd;
  bool fits;                  /* 64-bit, of the processor that this program was compiled for */
  char machine[48];           /* "64-bit ARM (aarch64)" */
  bool is_dynamic;            /* has what the loader links by */
  char interpreter[PATH_MAX]; /* the loader; empty: none */
  const char *soname;         /* NULL: none; it lives as long as the file is open */
} elf_file;

typedef struct elf_symbol {
  const char *name;
  bool defined, undefined;
} elf_symbol;

/* Open and read. NULL on success, else what is wrong with the file, in words; nothing is held then. */
const char *elf_file_open(const char *path, elf_file *out);
void elf_file_close(elf_file *f);

/* Look symbols up: those that the loader sees, or, with `all`, those for debuggers too. */
void elf_file_find(const elf_file *f, bool all, elf_symbol *wanted, size_t count);

/* The newest version GLIBC_2.N that a C library defines; 0: it is no glibc. */
int elf_file_glibc(const elf_file *f);

/* The text of the ELF note of that owner, its first one; false: it has none. */
bool elf_file_note(const elf_file *f, const char *owner, char *out, size_t size);

#endif
