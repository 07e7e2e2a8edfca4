/* Finds out about a loaded file from the file itself (module.h). What it says is the other process's matter,
 * and is believed only as far as its mappings agree. */
#include "cli/attach/module.h"

#include "cli/attach/remote.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)

/* ---- where it lies ---- */

static bool module_segment(const module *m, int at, GElf_Phdr *out) {
  size_t count = 0;
  return elf_getphdrnum(m->elf.elf, &count) == 0 && (size_t)at < count && at < 64 &&
         gelf_getphdr(m->elf.elf, at, out) == out;
}

/* Returns whether a mapping shows a segment, and if so by how much addresses differ. */
static bool shows_segment(const mapping *code, const GElf_Phdr *s, uint64_t *bias) {
  uint64_t first = s->p_offset & ~(PAGE - 1);
  if (s->p_type != PT_LOAD || !(s->p_flags & PF_X) || code->offset < first ||
      code->offset >= s->p_offset + s->p_filesz)
    return false;
  *bias = code->begin - (code->offset - first) - (s->p_vaddr & ~(PAGE - 1));
  return true;
}

/* Returns whether the process has the beginning of that file, not that of one which lay there before. */
static bool is_mapped_file(long pid, const mappings *m, const module *of) {
  char mapped[1024], ours[1024];
  for (size_t i = 0; i < m->count; i++)
    if (m->all[i].offset == 0 && strcmp(m->all[i].path, of->path) == 0)
      return remote_read(pid, m->all[i].begin, mapped, sizeof mapped) &&
             pread(of->elf.fd, ours, sizeof ours, 0) == sizeof ours && memcmp(mapped, ours, sizeof ours) == 0;
  return false;
}

bool module_open(long pid, const mappings *m, const mapping *code, module *out) {
  char path[PATH_MAX + 64];
  GElf_Phdr segment;
  *out = (module){.path = code->path, .code = {code->begin, code->end}};
  if (*code->path != '/' || snprintf(path, sizeof path, "/proc/%ld/root%s", pid, code->path) >= PATH_MAX ||
      elf_file_open(path, &out->elf) != NULL)
    return false;
  bool found = false;
  for (int i = 0; !found && module_segment(out, i, &segment); i++)
    found = shows_segment(code, &segment, &out->bias);
  if (found && is_mapped_file(pid, m, out))
    return true;
  module_close(out);
  return false;
}

void module_close(module *m) { elf_file_close(&m->elf); }

/* ---- its functions ---- */

typedef void symbol_visitor(void *context, const char *name, const GElf_Sym *symbol);

static void visit_functions(const module *m, symbol_visitor *visit, void *context) {
  GElf_Shdr header;
  GElf_Sym symbol;
  for (Elf_Scn *at = NULL; (at = elf_nextscn(m->elf.elf, at)) != NULL;) {
    Elf_Data *data = gelf_getshdr(at, &header) && header.sh_type == SHT_DYNSYM ? elf_getdata(at, NULL) : NULL;
    for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
      const char *name = elf_strptr(m->elf.elf, header.sh_link, symbol.st_name);
      if (name && symbol.st_shndx != SHN_UNDEF && GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
        visit(context, name, &symbol);
    }
  }
}

typedef struct wanted_function {
  const char *name;
  uint64_t address;
} wanted_function;

static void keep_address(void *context, const char *name, const GElf_Sym *symbol) {
  wanted_function *w = context;
  if (strcmp(name, w->name) == 0)
    w->address = symbol->st_value;
}

uint64_t module_function(const module *m, const char *name) {
  wanted_function w = {name, 0};
  visit_functions(m, keep_address, &w);
  return w.address ? w.address + m->bias : 0;
}

typedef struct stretch {
  const char *const *names;
  size_t count;
  range own, around; /* from the first to the last of them, and to the others before and behind */
} stretch;

static bool is_of_stretch(const stretch *s, const char *name) {
  for (size_t i = 0; i < s->count; i++)
    if (strcmp(name, s->names[i]) == 0)
      return true;
  return false;
}

static void keep_own(void *context, const char *name, const GElf_Sym *symbol) {
  stretch *s = context;
  uint64_t end = symbol->st_value + symbol->st_size;
  if (!is_of_stretch(s, name))
    return;
  if (!s->own.begin || symbol->st_value < s->own.begin)
    s->own.begin = symbol->st_value;
  if (end > s->own.end)
    s->own.end = end;
}

static void keep_nearest(void *context, const char *name, const GElf_Sym *symbol) {
  stretch *s = context;
  uint64_t end = symbol->st_value + symbol->st_size;
  (void)name;
  if (end <= s->own.begin && end > s->around.begin)
    s->around.begin = end;
  if (symbol->st_value >= s->own.end && symbol->st_value < s->around.end)
    s->around.end = symbol->st_value;
}

range module_stretch(const module *m, const char *const names[], size_t count) {
  stretch s = {names, count, {0, 0}, {0, 0}};
  visit_functions(m, keep_own, &s);
  if (!s.own.begin)
    return (range){0, 0};
  s.around.end = m->code.end - m->bias;
  visit_functions(m, keep_nearest, &s);
  return (range){s.around.begin + m->bias, s.around.end + m->bias};
}

/* ---- memory that nobody uses ---- */

range module_rest(const module *m, const mappings *all, bool of_data) {
  GElf_Phdr segment;
  range rest = {0, 0};
  for (int i = 0; module_segment(m, i, &segment); i++) {
    if (segment.p_type != PT_LOAD || !(segment.p_flags & (of_data ? PF_W : PF_X)))
      continue;
    uint64_t end = m->bias + segment.p_vaddr + (of_data ? segment.p_memsz : segment.p_filesz);
    end = (end + 63) & ~UINT64_C(63);
    const mapping *where = mappings_at(all, end);
    bool fits = where && where->is_private && where->reads && where->writes == of_data &&
                where->runs == !of_data && (of_data || strcmp(where->path, m->path) == 0);
    if (fits && (end & (PAGE - 1))) /* the last segment of its kind counts */
      rest = (range){end, (end | (PAGE - 1)) + 1};
  }
  return rest;
}
