/* What the loader has mapped at an address: the program, a library, or the kernel's own (vdso).
 *
 * From glibc 2.35 on, the C library tells this without a lock (_dl_find_object). Before, and where that is
 * missing, it is asked with dl_iterate_phdr, which takes the loader's lock: it is held while a list of
 * objects changes, and by whoever is in a callback of dl_iterate_phdr.
 *
 * What is told is read from the object itself, which stays loaded while a thread will return into it: only
 * addresses that the calling thread will return to may be asked for. All that is read lies within the
 * object's loadable segments, whatever its tables say; its first page, where the headers are, is taken for
 * readable. */
#ifndef ARROWPOOL_PROFILE_LOADED_H
#define ARROWPOOL_PROFILE_LOADED_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct loaded_object {
  uintptr_t from, to;        /* addresses: its segments, and what lies between them */
  uintptr_t bias;            /* an address less this is one in the file */
  uintptr_t frame_header;    /* the address of its .eh_frame_hdr; 0: it has none, or that was not asked for */
  const char *name;          /* as the loader has it, for as long as the object is loaded; "": the program */
  const Elf64_Phdr *headers; /* its program headers */
  size_t header_count;       /* 0: they cannot be told */
} loaded_object;

/* Bytes that can be read: a segment, or the end of one. */
typedef struct loaded_bytes {
  const uint8_t *at, *end;
} loaded_bytes;

/* Looks for _dl_find_object. This is called once, before the others and before there are several threads that
 * could call them; it takes the loader's lock. */
void loaded_start(void);

/* Returns whether loaded_find takes no lock. */
bool loaded_is_lock_free(void);

/* Finds what holds the address. Returns false if nothing does; `out` is untouched then. */
bool loaded_find(uintptr_t address, loaded_object *out);

/* Fills in the program headers of an object of which the addresses are known. */
void loaded_read_headers(loaded_object *o);

/* Finds what can be read from the address on. Returns false if nothing can. */
bool loaded_bytes_at(const loaded_object *o, uintptr_t address, loaded_bytes *out);

/* Returns the segment that holds the address; NULL if none does. */
const Elf64_Phdr *loaded_segment(const loaded_object *o, uintptr_t address);

#endif
