/* Describes the object at an address by what is mapped of its file: program headers, and notes (elf(5)). */
#include "profile/modules.h"

#include "base/round_up.h"
#include "profile/loaded.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static char program_path[PATH_MAX]; /* "": not known */

void modules_start(void) {
  int saved = errno;
  ssize_t length = readlink("/proc/self/exe", program_path, sizeof program_path - 1);
  program_path[length > 0 ? length : 0] = 0;
  loaded_start();
  errno = saved;
}

/* Looks for the build id among a segment's notes. A note is its header, its owner's name and its contents, of
 * which each begins at a multiple of the alignment. */
static bool read_build_id(const uint8_t *at, size_t left, size_t alignment, modules_found *out) {
  Elf64_Nhdr note;
  while (left >= sizeof note) {
    memcpy(&note, at, sizeof note);
    size_t contents = round_up(sizeof note + note.n_namesz, alignment);
    size_t next = round_up(contents + note.n_descsz, alignment);
    if (contents + note.n_descsz > left)
      return false;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at + sizeof note, "GNU", 4) == 0) {
      if (note.n_descsz > MODULES_BUILD_ID_BYTES)
        return false;
      memcpy(out->build_id, at + contents, note.n_descsz);
      out->build_id_bytes = note.n_descsz;
      return true;
    }
    if (next > left)
      return false;
    at += next;
    left -= next;
  }
  return false;
}

static void find_build_id(const loaded_object *o, modules_found *out) {
  for (size_t i = 0; i < o->header_count; i++) {
    loaded_bytes notes;
    if (o->headers[i].p_type != PT_NOTE || !loaded_bytes_at(o, o->bias + o->headers[i].p_vaddr, &notes))
      continue;
    size_t left = (size_t)(notes.end - notes.at);
    left = left < o->headers[i].p_memsz ? left : o->headers[i].p_memsz;
    if (read_build_id(notes.at, left, o->headers[i].p_align == 8 ? 8 : 4, out))
      return;
  }
}

/* As loaded_find, it reads what the loader made. */
__attribute__((no_sanitize_thread)) bool modules_find(uint64_t address, modules_found *out) {
  int saved = errno;
  loaded_object object;
  bool found = loaded_find((uintptr_t)address, &object);
  errno = saved;
  if (!found)
    return false;
  *out = (modules_found){.from = object.from,
                         .to = object.to,
                         .bias = object.bias,
                         .path = *object.name ? object.name : program_path};
  find_build_id(&object, out);
  return true;
}
