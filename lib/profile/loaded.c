/* Asks the C library for the object at an address, and reads its program headers. */
#include "profile/loaded.h"

#include <dlfcn.h>
#include <string.h>

/* Headers lie in the object's first page, or are not read: where else they are, only they could tell. */
#define FIRST_PAGE 4096

/* What _dl_find_object fills in on a 64-bit processor: struct dl_find_object of glibc 2.35, which the C
 * library of the build may not have. */
typedef struct answer {
  unsigned long long flags;
  void *from, *to;
  struct link_map *map;
  void *frame_header;
  unsigned long long reserved[7];
} answer;

static int (*find_object)(void *address, answer *out);

void loaded_start(void) {
  find_object = (int (*)(void *, answer *))dlsym(RTLD_DEFAULT, "_dl_find_object");
  if (!find_object)
    dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread, to be freed later */
}

bool loaded_is_lock_free(void) { return find_object != NULL; }

/* ---- headers ---- */

void loaded_read_headers(loaded_object *o) {
  const Elf64_Ehdr *header = (const void *)o->from;
  size_t size = o->to - o->from < FIRST_PAGE ? o->to - o->from : FIRST_PAGE;
  o->headers = NULL;
  o->header_count = 0;
  if (o->from % _Alignof(Elf64_Ehdr) || size < sizeof *header ||
      memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phentsize != sizeof(Elf64_Phdr) ||
      header->e_phoff % _Alignof(Elf64_Phdr) || header->e_phoff > size ||
      header->e_phnum > (size - header->e_phoff) / sizeof(Elf64_Phdr))
    return;
  o->headers = (const void *)(o->from + header->e_phoff);
  o->header_count = header->e_phnum;
}

const Elf64_Phdr *loaded_segment(const loaded_object *o, uintptr_t address) {
  for (size_t i = 0; i < o->header_count; i++)
    if (o->headers[i].p_type == PT_LOAD &&
        address - (o->bias + o->headers[i].p_vaddr) < o->headers[i].p_memsz)
      return &o->headers[i];
  return NULL;
}

bool loaded_bytes_at(const loaded_object *o, uintptr_t address, loaded_bytes *out) {
  const Elf64_Phdr *segment = loaded_segment(o, address);
  if (!segment || !(segment->p_flags & PF_R) || address - o->from >= o->to - o->from)
    return false;
  uintptr_t left = segment->p_memsz - (address - (o->bias + segment->p_vaddr));
  if (left > o->to - address)
    left = o->to - address;
  *out = (loaded_bytes){(const uint8_t *)address, (const uint8_t *)address + left};
  return true;
}

/* ---- objects ---- */

typedef struct search {
  uintptr_t address;
  loaded_object found;
} search;

/* Looks whether the object of dl_iterate_phdr holds the address. */
static int look_at(struct dl_phdr_info *info, size_t size, void *searched) {
  search *s = searched;
  loaded_object o = {.from = UINTPTR_MAX,
                     .bias = info->dlpi_addr,
                     .name = info->dlpi_name ? info->dlpi_name : "",
                     .headers = info->dlpi_phdr,
                     .header_count = info->dlpi_phnum};
  (void)size;
  if (!loaded_segment(&o, s->address))
    return 0;
  for (size_t i = 0; i < o.header_count; i++) {
    uintptr_t from = o.bias + o.headers[i].p_vaddr, to = from + o.headers[i].p_memsz;
    if (o.headers[i].p_type != PT_LOAD)
      continue;
    o.from = from < o.from ? from : o.from;
    o.to = to > o.to ? to : o.to;
  }
  s->found = o;
  return 1;
}

/* ThreadSanitizer does not see how the loader hands its own data to other threads. */
__attribute__((no_sanitize_thread)) bool loaded_find(uintptr_t address, loaded_object *out) {
  answer told;
  if (!find_object) {
    search s = {.address = address};
    bool found = dl_iterate_phdr(look_at, &s) == 1;
    if (found)
      *out = s.found;
    return found;
  }
  if (find_object((void *)address, &told) != 0)
    return false;
  *out = (loaded_object){.from = (uintptr_t)told.from,
                         .to = (uintptr_t)told.to,
                         .bias = told.map->l_addr,
                         .name = told.map->l_name ? told.map->l_name : "",
                         .frame_header = (uintptr_t)told.frame_header};
  loaded_read_headers(out);
  return true;
}
