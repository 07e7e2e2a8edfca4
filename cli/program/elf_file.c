/* Reads ELF files with libelf's copying functions only: a mapped file that shrinks meanwhile would be a
 * SIGBUS. Segments are looked at for what the loader takes from them, sections only for symbols and notes. */
#include "cli/program/elf_file.h"

#include "cli/base/open_regular.h"

#include <gelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef EM_LOONGARCH /* the C library's headers have it from 2.36 on */
#define EM_LOONGARCH 258
#endif

/* The linker has this name for the header of this very program: what runs beside it is made alike.
 * NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static void describe_machine(const GElf_Ehdr *header, elf_file *out) {
  static const struct {
    int machine;
    const char *name;
  } names[] = {
      {EM_X86_64, "x86-64"}, {EM_386, "x86"},     {EM_AARCH64, "aarch64"}, {EM_ARM, "ARM"},
      {EM_RISCV, "RISC-V"},  {EM_PPC64, "POWER"}, {EM_S390, "s390"},       {EM_LOONGARCH, "LoongArch"},
      {EM_MIPS, "MIPS"}};
  int bits = header->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
  out->fits = header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
              header->e_machine == __ehdr_start.e_machine;
  snprintf(out->machine, sizeof out->machine, "%d-bit code for machine %d", bits, header->e_machine);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].machine == header->e_machine)
      snprintf(out->machine, sizeof out->machine, "%d-bit %s code", bits, names[i].name);
}

static const char *read_interpreter(elf_file *f, const GElf_Phdr *segment) {
  ssize_t size = (ssize_t)segment->p_filesz;
  if (size < 2 || size > (ssize_t)sizeof f->interpreter ||
      pread(f->fd, f->interpreter, (size_t)size, (off_t)segment->p_offset) != size ||
      f->interpreter[size - 1])
    return "the name of its loader is damaged";
  return NULL;
}

/* ---- what it says to the loader ---- */

/* Returns where in the file the address lies, by the loaded segments; -1 if nowhere. */
static int64_t file_offset(const elf_file *f, GElf_Addr address) {
  size_t count = 0;
  elf_getphdrnum(f->elf, &count);
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr segment;
    if (gelf_getphdr(f->elf, (int)i, &segment) && segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz)
      return (int64_t)(segment.p_offset + (address - segment.p_vaddr));
  }
  return -1;
}

/* Returns a text of the string table; NULL if it does not end there. */
static const char *text_at(const Elf_Data *strings, GElf_Xword at) {
  return strings && at < strings->d_size && memchr((char *)strings->d_buf + at, 0, strings->d_size - at)
             ? (char *)strings->d_buf + at
             : NULL;
}

static const char *read_dynamic(elf_file *f, const GElf_Phdr *segment) {
  static const char damaged[] = "its dynamic section is damaged";
  Elf_Data *entries = elf_getdata_rawchunk(f->elf, (int64_t)segment->p_offset, segment->p_filesz, ELF_T_DYN);
  GElf_Dyn entry;
  GElf_Addr address = 0;
  GElf_Xword size = 0;
  for (int i = 0; entries && gelf_getdyn(entries, i, &entry) && entry.d_tag != DT_NULL; i++) {
    address = entry.d_tag == DT_STRTAB ? entry.d_un.d_ptr : address;
    size = entry.d_tag == DT_STRSZ ? entry.d_un.d_val : size;
  }
  int64_t offset = address ? file_offset(f, address) : -1;
  Elf_Data *strings = offset >= 0 ? elf_getdata_rawchunk(f->elf, offset, size, ELF_T_BYTE) : NULL;
  if (!entries || !strings)
    return damaged;
  for (int i = 0; gelf_getdyn(entries, i, &entry) && entry.d_tag != DT_NULL; i++)
    if (entry.d_tag == DT_SONAME && !(f->soname = text_at(strings, entry.d_un.d_val)))
      return damaged;
  return NULL;
}

static const char *read_segments(elf_file *f, uint64_t file_size) {
  static const char cut_off[] = "it is cut off or damaged";
  size_t count;
  if (elf_getphdrnum(f->elf, &count) || count == 0)
    return "it has no program headers: it is no program and no library";
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr segment;
    if (!gelf_getphdr(f->elf, (int)i, &segment))
      return cut_off;
    bool counts = segment.p_type == PT_LOAD || segment.p_type == PT_INTERP || segment.p_type == PT_DYNAMIC;
    if (counts && (segment.p_offset > file_size || segment.p_filesz > file_size - segment.p_offset))
      return cut_off;
    const char *problem = segment.p_type == PT_INTERP    ? read_interpreter(f, &segment)
                          : segment.p_type == PT_DYNAMIC ? read_dynamic(f, &segment)
                                                         : NULL;
    if (problem)
      return problem;
    f->is_dynamic |= segment.p_type == PT_DYNAMIC;
  }
  return NULL;
}

const char *elf_file_open(const char *path, elf_file *out) {
  struct stat status;
  GElf_Ehdr header;
  elf_version(EV_CURRENT);
  memset(out, 0, sizeof *out);
  const char *problem;
  out->fd = open_regular(path, &status, &problem);
  if (problem)
    return problem;
  out->elf = elf_begin(out->fd, ELF_C_READ, NULL);
  if (elf_kind(out->elf) != ELF_K_ELF || !gelf_getehdr(out->elf, &header) ||
      (header.e_type != ET_EXEC && header.e_type != ET_DYN))
    problem = "it is no ELF program or library, or a damaged one";
  if (!problem) {
    describe_machine(&header, out);
    problem = read_segments(out, (uint64_t)status.st_size);
  }
  if (problem)
    elf_file_close(out);
  return problem;
}

void elf_file_close(elf_file *f) {
  elf_end(f->elf);
  if (f->fd >= 0)
    close(f->fd);
  f->elf = NULL;
  f->fd = -1;
}

/* ---- sections ---- */

typedef struct section {
  GElf_Shdr header;
  Elf_Data *data;
} section;

/* Finds the next section of that type after `*at`, which starts as NULL. */
static bool next_section(const elf_file *f, GElf_Word type, Elf_Scn **at, section *out) {
  while ((*at = elf_nextscn(f->elf, *at)) != NULL)
    if (gelf_getshdr(*at, &out->header) == &out->header && out->header.sh_type == type &&
        (out->data = elf_getdata(*at, NULL)) != NULL)
      return true;
  return false;
}

static void find_in(const elf_file *f, const section *table, elf_symbol *wanted, size_t count) {
  GElf_Sym symbol;
  for (int i = 0; gelf_getsym(table->data, i, &symbol); i++) {
    const char *name = elf_strptr(f->elf, table->header.sh_link, symbol.st_name);
    for (size_t w = 0; name && w < count; w++)
      if (strcmp(name, wanted[w].name) == 0)
        *(symbol.st_shndx == SHN_UNDEF ? &wanted[w].undefined : &wanted[w].defined) = true;
  }
}

void elf_file_find(const elf_file *f, bool all, elf_symbol *wanted, size_t count) {
  section table;
  for (Elf_Scn *at = NULL; next_section(f, SHT_DYNSYM, &at, &table);)
    find_in(f, &table, wanted, count);
  for (Elf_Scn *at = NULL; all && next_section(f, SHT_SYMTAB, &at, &table);)
    find_in(f, &table, wanted, count);
}

/* ---- versions ---- */

/* Returns the N that follows the prefix in a text of at most `size` bytes; 0 if there is none. */
static int number_after(const char *prefix, const char *text, size_t size) {
  size_t at = strlen(prefix);
  int number = 0;
  if (size < at || memcmp(text, prefix, at) != 0)
    return 0;
  for (; at < size && text[at] >= '0' && text[at] <= '9' && number < 1000; at++)
    number = number * 10 + (text[at] - '0');
  return number;
}

static int minor_of(const elf_file *f, const section *versions, GElf_Word name) {
  const char *text = elf_strptr(f->elf, versions->header.sh_link, name);
  return text ? number_after("GLIBC_2.", text, strlen(text)) : 0;
}

/* Moves to the next entry of a section of versions. Returns false at the end. */
static bool step(int *offset, GElf_Word by) {
  if (by == 0 || by > INT_MAX / 4 || *offset > INT_MAX / 4)
    return false;
  *offset += (int)by;
  return true;
}

int elf_file_glibc(const elf_file *f) {
  section versions;
  int newest = 0;
  for (Elf_Scn *at = NULL; next_section(f, SHT_GNU_verdef, &at, &versions);) {
    GElf_Verdef definition;
    GElf_Verdaux first;
    int offset = 0, inner;
    while (gelf_getverdef(versions.data, offset, &definition)) {
      inner = offset;
      int minor = step(&inner, definition.vd_aux) && gelf_getverdaux(versions.data, inner, &first)
                      ? minor_of(f, &versions, first.vda_name)
                      : 0;
      newest = minor > newest ? minor : newest;
      if (!step(&offset, definition.vd_next))
        break;
    }
  }
  return newest;
}

/* Returns the newest GLIBC_2.N among the versions that are needed of one library. */
static int newest_needed(const elf_file *f, const section *versions, int offset, const GElf_Verneed *of) {
  GElf_Vernaux one;
  int newest = 0, left = of->vn_cnt;
  for (bool more = step(&offset, of->vn_aux);
       more && left-- > 0 && gelf_getvernaux(versions->data, offset, &one);
       more = step(&offset, one.vna_next)) {
    int minor = minor_of(f, versions, one.vna_name);
    newest = minor > newest ? minor : newest;
  }
  return newest;
}

int elf_file_needed_glibc(const elf_file *f) {
  section versions;
  int newest = 0;
  for (Elf_Scn *at = NULL; next_section(f, SHT_GNU_verneed, &at, &versions);) {
    GElf_Verneed of;
    int offset = 0;
    while (gelf_getverneed(versions.data, offset, &of)) {
      int minor = newest_needed(f, &versions, offset, &of);
      newest = minor > newest ? minor : newest;
      if (!step(&offset, of.vn_next))
        break;
    }
  }
  return newest;
}

int elf_file_glibc_release(const elf_file *f) {
  static const char words[] = " release version 2.";
  section bytes;
  for (Elf_Scn *at = NULL; next_section(f, SHT_PROGBITS, &at, &bytes);) {
    const char *text = bytes.data->d_buf;
    const char *found = text ? memmem(text, bytes.data->d_size, words, sizeof words - 1) : NULL;
    int minor = found ? number_after(words, found, bytes.data->d_size - (size_t)(found - text)) : 0;
    if (minor)
      return minor;
  }
  return elf_file_glibc(f);
}

bool elf_file_note(const elf_file *f, const char *owner, char *out, size_t size) {
  section notes;
  for (Elf_Scn *at = NULL; next_section(f, SHT_NOTE, &at, &notes);) {
    GElf_Nhdr note;
    size_t name, text, next;
    for (size_t offset = 0; (next = gelf_getnote(notes.data, offset, &note, &name, &text)) > 0;
         offset = next) {
      const char *bytes = notes.data->d_buf;
      if (note.n_namesz == strlen(owner) + 1 && memcmp(bytes + name, owner, note.n_namesz) == 0) {
        snprintf(out, size, "%.*s", (int)note.n_descsz, bytes + text);
        return true;
      }
    }
  }
  return false;
}
