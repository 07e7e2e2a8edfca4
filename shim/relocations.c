/* Reads a library's dynamic section (relocations.h). */
#include "shim/relocations.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

typedef struct tables {
  const Elf64_Sym *symbols;
  const char *strings;
  const Elf64_Rela *data, *calls;
  size_t data_size, calls_size; /* bytes */
  size_t relative;              /* so many of `data` come first that have no symbol */
} tables;

/* Returns the address that an entry of a library's dynamic section means. The loader has added the library's
 * address to it, or, where the section cannot be written, has not. */
static const void *address_in(const struct dl_phdr_info *library, Elf64_Addr address) {
  return (const void *)(address < library->dlpi_addr ? address + library->dlpi_addr : address);
}

static tables read_tables(const struct dl_phdr_info *library) {
  const Elf64_Dyn *dynamic = NULL;
  tables t = {0};
  for (int i = 0; i < library->dlpi_phnum; i++)
    if (library->dlpi_phdr[i].p_type == PT_DYNAMIC)
      dynamic = (const void *)(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
  for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
    const void *address = address_in(library, dynamic->d_un.d_ptr);
    switch (dynamic->d_tag) {
    case DT_SYMTAB:
      t.symbols = address;
      break;
    case DT_STRTAB:
      t.strings = address;
      break;
    case DT_RELA:
      t.data = address;
      break;
    case DT_JMPREL:
      t.calls = address;
      break;
    case DT_RELASZ:
      t.data_size = dynamic->d_un.d_val;
      break;
    case DT_PLTRELSZ:
      t.calls_size = dynamic->d_un.d_val;
      break;
    case DT_RELACOUNT:
      t.relative = dynamic->d_un.d_val;
      break;
    default:
      break;
    }
  }
  return t;
}

/* RISC-V has no type of its own for entries of the table that are filled at once. */
static bool is_call(Elf64_Xword type) {
#if defined(__x86_64__)
  return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
  return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
#elif defined(__riscv)
  return type == R_RISCV_JUMP_SLOT || type == R_RISCV_64;
#else
  (void)type;
  return false;
#endif
}

/* Returns whether all were visited. */
static bool visit_table(const struct dl_phdr_info *library, const tables *t, const Elf64_Rela *table,
                        size_t size, relocations_visitor *visit, void *context) {
  const Elf64_Rela *end = table + size / sizeof *table;
  for (const Elf64_Rela *r = table + (table == t->data ? t->relative : 0); r < end; r++) {
    const Elf64_Sym *symbol = &t->symbols[ELF64_R_SYM(r->r_info)];
    if (symbol == t->symbols || symbol->st_shndx != SHN_UNDEF)
      continue;
    relocation found = {t->strings + symbol->st_name, (void **)(library->dlpi_addr + r->r_offset),
                        is_call(ELF64_R_TYPE(r->r_info))};
    if (!visit(&found, context))
      return false;
  }
  return true;
}

void relocations_visit(const struct dl_phdr_info *library, relocations_visitor *visit, void *context) {
  tables t = read_tables(library);
  if (t.symbols && t.strings && (!t.data || visit_table(library, &t, t.data, t.data_size, visit, context)) &&
      t.calls)
    visit_table(library, &t, t.calls, t.calls_size, visit, context);
}

bool relocations_protect(const struct dl_phdr_info *library, void *const *word) {
  uintptr_t page = getauxval(AT_PAGESZ), at = (uintptr_t)word;
  for (int i = 0; i < library->dlpi_phnum; i++) {
    const Elf64_Phdr *header = &library->dlpi_phdr[i];
    uintptr_t from = library->dlpi_addr + header->p_vaddr;
    /* What is on the last page besides is written later on: the loader leaves that page alone. */
    if (header->p_type == PT_GNU_RELRO && at >= from / page * page &&
        at < (from + header->p_memsz) / page * page)
      return true;
  }
  return false;
}
