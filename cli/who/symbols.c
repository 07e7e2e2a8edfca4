/* Names native frames by the symbol tables of their modules' files, one file after the other. A file that is
 * not the one that was mapped, by its build id, names nothing: its functions lie elsewhere. */
#include "cli/base/memory.h"
#include "cli/program/elf_file.h"
#include "cli/who/demangle.h"
#include "cli/who/intern.h"
#include "cli/who/libraries.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct symbol {
  uint64_t value, size;
  const char *name; /* of the file's, while that is open */
} symbol;

typedef struct table {
  elf_file file;
  symbol *symbols;
  size_t count, room;
} table;

/* ---- the file ---- */

/* Returns the file's build id, with its length; NULL if it has none. */
static const uint8_t *find_build_id(Elf *elf, size_t *length) {
  GElf_Shdr header;
  for (Elf_Scn *at = NULL; (at = elf_nextscn(elf, at)) != NULL;) {
    Elf_Data *data = gelf_getshdr(at, &header) && header.sh_type == SHT_NOTE ? elf_getdata(at, NULL) : NULL;
    GElf_Nhdr note;
    size_t name, text, next;
    for (size_t offset = 0; data && (next = gelf_getnote(data, offset, &note, &name, &text)) > 0;
         offset = next)
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          memcmp((char *)data->d_buf + name, "GNU", 4) == 0) {
        *length = note.n_descsz;
        return (uint8_t *)data->d_buf + text;
      }
  }
  return NULL;
}

/* Returns whether the file has the module's build id, or the module has none. A profile keeps the first 20
 * bytes. */
static bool is_that(Elf *elf, const who_module *module) {
  size_t length = 0;
  const uint8_t *own = module->build_id_bytes ? find_build_id(elf, &length) : NULL;
  if (length > sizeof module->build_id)
    length = sizeof module->build_id;
  return !module->build_id_bytes ||
         (own && length == module->build_id_bytes && memcmp(own, module->build_id, length) == 0);
}

static void take_symbols(table *t, GElf_Word type) {
  Elf *elf = t->file.elf;
  GElf_Shdr header;
  for (Elf_Scn *at = NULL; (at = elf_nextscn(elf, at)) != NULL;) {
    Elf_Data *data = gelf_getshdr(at, &header) && header.sh_type == type ? elf_getdata(at, NULL) : NULL;
    GElf_Sym its;
    for (int i = 0; data && gelf_getsym(data, i, &its); i++) {
      int kind = GELF_ST_TYPE(its.st_info);
      const char *name = its.st_value && its.st_size && (kind == STT_FUNC || kind == STT_GNU_IFUNC)
                             ? elf_strptr(elf, header.sh_link, its.st_name)
                             : NULL;
      if (!name || !*name)
        continue;
      t->symbols = memory_one_more(t->symbols, t->count, &t->room, sizeof *t->symbols);
      t->symbols[t->count++] = (symbol){its.st_value, its.st_size, name};
    }
  }
}

/* Of those that begin at one place, the largest comes last. */
static int compare_symbols(const void *a, const void *b) {
  const symbol *one = a, *other = b;
  if (one->value != other->value)
    return one->value < other->value ? -1 : 1;
  if (one->size != other->size)
    return one->size < other->size ? -1 : 1;
  return strcmp(other->name, one->name);
}

/* Returns NULL, or why there are no symbols, in words. */
static const char *open_table(const who_module *module, table *out) {
  memset(out, 0, sizeof *out);
  out->file.fd = -1;
  if (module->path[0] != '/')
    return "it is no file";
  const char *problem = elf_file_open(module->path, &out->file);
  if (problem)
    return problem;
  if (!is_that(out->file.elf, module))
    problem = "it is another file now: its build id differs";
  for (int i = 0; i < 2 && !problem && !out->count; i++)
    take_symbols(out, i ? SHT_DYNSYM : SHT_SYMTAB);
  if (out->count)
    qsort(out->symbols, out->count, sizeof *out->symbols, compare_symbols);
  return problem || out->count ? problem : "it is stripped";
}

static void close_table(table *t) {
  free(t->symbols);
  if (t->file.elf)
    elf_file_close(&t->file);
}

/* Returns the name of the symbol that holds the address; NULL: it lies between symbols. */
static const char *name_at(const table *t, uint64_t address) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (t->symbols[middle].value <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low && address - t->symbols[low - 1].value < t->symbols[low - 1].size ? t->symbols[low - 1].name
                                                                               : NULL;
}

/* ---- the model ---- */

/* Names one that lies in no symbol: "libx.so+0x1234". */
static void name_by_place(who_model *m, who_native *n) {
  char text[WHO_LONGEST_TEXT + 32];
  const char *path = n->module == WHO_NONE ? "" : who_module_at(m, n->module)->path,
             *slash = strrchr(path, '/');
  snprintf(text, sizeof text, "%s%s0x%llx", slash ? slash + 1 : path, *path ? "+" : "",
           (unsigned long long)n->value);
  n->name = who_intern_text(m, text);
}

static void name_by_symbol(who_model *m, who_native *n, const char *found) {
  char name[WHO_LONGEST_TEXT], shorter[WHO_LONGEST_TEXT];
  who_demangle(found, name, sizeof name);
  who_shorten(name, shorter, sizeof shorter);
  n->function = who_intern_text(m, name);
  n->name = who_intern_text(m, shorter);
}

typedef struct place {
  uint32_t module, native;
} place;

static int compare_places(const void *a, const void *b) {
  const place *one = a, *other = b;
  if (one->module != other->module)
    return one->module < other->module ? -1 : 1;
  return one->native < other->native ? -1 : one->native > other->native;
}

/* Names the places, which are all those of one module. */
static void name_places(who_model *m, const place *places, size_t count) {
  who_module *module = places->module == WHO_NONE ? NULL : who_module_at(m, places->module);
  table t = {0};
  size_t shown = 0;
  if (module)
    module->problem = open_table(module, &t);
  for (size_t i = 0; i < count; i++) {
    who_native *n = who_native_at(m, places[i].native);
    const char *found = t.count ? name_at(&t, n->value - 1) : NULL; /* it returns behind the call */
    if (found)
      name_by_symbol(m, n, found);
    else
      name_by_place(m, n);
    n->of_allocation = who_is_allocation(n->name, module ? module->path : "");
    shown += !n->of_allocation;
  }
  if (!module)
    return;
  close_table(&t);
  if (!shown) /* nobody misses its names */
    module->problem = NULL;
}

/* Takes the frames of the allocation itself off a stack, unless it has no others. */
static void begin_behind_allocation(const who_model *m, who_stack *s) {
  uint32_t count = 0;
  while (count + 1 < s->native_count && who_native_of(m, s, count)->of_allocation)
    count++;
  memmove(s->words, s->words + count, (s->native_count + s->python_count - count) * sizeof *s->words);
  s->native_count -= count;
}

void who_find_symbols(who_model *m) {
  size_t count = m->natives.count;
  place *places = memory_zeroed(count + 1, sizeof *places);
  for (size_t i = 0; i < count; i++)
    places[i] = (place){who_native_at(m, i)->module, (uint32_t)i};
  qsort(places, count, sizeof *places, compare_places);
  for (size_t from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && places[to].module == places[from].module;)
      to++;
    name_places(m, places + from, to - from);
  }
  free(places);
  for (size_t i = 0; i < m->stacks.count; i++)
    begin_behind_allocation(m, who_stack_at(m, i));
}
