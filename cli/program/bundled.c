/* Looks for what is bundled in the read-only data of ELF files, a piece at a time (bundled.h). */
#include "cli/program/bundled.h"

#include <ctype.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE   ((size_t)1 << 20)
#define OVERLAP ((size_t)128) /* no text that is looked for is longer */

static const char jemalloc_says[] = "<jemalloc>: ", jemalloc_reads[] = "MALLOC_CONF",
                  mimalloc_says[] = "mimalloc: warning: ", arrow_class[] = "N5arrow16SystemMemoryPoolE";

/* Keeps what was seen of the texts. */
typedef struct sight {
  bool jemalloc_says, jemalloc_reads, mimalloc_says, has_class;
  char variable[64]; /* the longest name of one that a jemalloc reads */
} sight;

static bool holds(const char *bytes, size_t size, const char *text) {
  return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* Reads the variable of a jemalloc, whose prefix is in its name: a text of its own, all in capitals. Where it
 * has no prefix, it may share its bytes with the end of another text. */
static void read_variable(const char *bytes, size_t size, sight *s) {
  const char *end = bytes + size, *at = bytes;
  while ((at = memmem(at, (size_t)(end - at), jemalloc_reads, sizeof jemalloc_reads)) != NULL) {
    const char *first = at, *behind = at + sizeof jemalloc_reads;
    while (first > bytes && (isupper((unsigned char)first[-1]) || first[-1] == '_'))
      first--;
    size_t length = (size_t)(behind - first);
    if (first > bytes && !first[-1] && length <= sizeof s->variable && length > strlen(s->variable) + 1)
      memcpy(s->variable, first, length);
    s->jemalloc_reads = true;
    at = behind;
  }
}

static void look_at_piece(const char *bytes, size_t size, sight *s) {
  s->jemalloc_says |= holds(bytes, size, jemalloc_says);
  s->mimalloc_says |= holds(bytes, size, mimalloc_says);
  s->has_class |= holds(bytes, size, arrow_class);
  read_variable(bytes, size, s);
}

/* Reads a part of the file with copies: what is mapped could be cut off meanwhile. */
static void look_at_part(const elf_file *f, off_t offset, uint64_t size, uint64_t *budget, char *room,
                         sight *s) {
  size_t kept = 1;
  room[0] = 0; /* it stands before the first byte, as a text's end would */
  while (size > 0 && *budget > 0) {
    size_t wanted = size < PIECE ? (size_t)size : PIECE;
    wanted = wanted < *budget ? wanted : (size_t)*budget;
    ssize_t got = pread(f->fd, room + kept, wanted, offset);
    if (got <= 0)
      return;
    size_t filled = kept + (size_t)got;
    look_at_piece(room, filled, s);
    offset += got, size -= (uint64_t)got, *budget -= (uint64_t)got;
    kept = filled < OVERLAP ? filled : OVERLAP;
    memmove(room, room + filled - kept, kept);
  }
}

/* Returns whether a section is of the kind that texts are in. */
static bool is_constant(const GElf_Shdr *header) {
  GElf_Xword flags = header->sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
  return header->sh_type == SHT_PROGBITS && flags == SHF_ALLOC;
}

static void look_at_sections(const elf_file *f, uint64_t *budget, char *room, sight *s) {
  GElf_Shdr header;
  for (Elf_Scn *at = NULL; (at = elf_nextscn(f->elf, at)) != NULL;)
    if (gelf_getshdr(at, &header) == &header && is_constant(&header))
      look_at_part(f, (off_t)header.sh_offset, header.sh_size, budget, room, s);
}

static void look_at_texts(const elf_file *f, uint64_t *budget, sight *s) {
  char *room = malloc(OVERLAP + PIECE);
  if (room)
    look_at_sections(f, budget, room, s);
  free(room);
}

bool bundled_look(const elf_file *f, uint64_t *budget, bundled *out) {
  sight s = {0};
  elf_symbol own[] = {{.name = "malloc"}, {.name = "_ZN5arrow19default_memory_poolEv"}};
  elf_file_find(f, false, own, 2);
  memset(out, 0, sizeof *out);
  out->is_arrow = own[1].defined;
  if (!out->is_arrow)
    look_at_texts(f, budget, &s);
  out->static_arrow = s.has_class;
  bool may_bypass = !own[0].defined; /* it is the program's malloc otherwise, which the shim stands before */
  out->mimalloc = may_bypass && s.mimalloc_says;
  out->jemalloc = may_bypass && s.jemalloc_says && s.jemalloc_reads;
  if (out->mimalloc || out->jemalloc)
    snprintf(out->variable, sizeof out->variable, "%s",
             out->mimalloc ? "MIMALLOC_*"
             : *s.variable ? s.variable
                           : jemalloc_reads);
  return out->jemalloc || out->mimalloc || out->static_arrow || out->is_arrow;
}
