/* Which file a native frame's code is of, as a profile keeps it: enough to find its symbols later. */
#ifndef ARROWPOOL_PROFILE_MODULES_H
#define ARROWPOOL_PROFILE_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#define MODULES_BUILD_ID_BYTES 20

/* The fields are those of profile_module. */
typedef struct modules_found {
  uint64_t from, to;       /* addresses */
  uint64_t bias;           /* an address less this is a symbol's value in the file */
  uint32_t build_id_bytes; /* 0: there is none, or it is longer than MODULES_BUILD_ID_BYTES */
  uint8_t build_id[MODULES_BUILD_ID_BYTES];
  const char *path; /* as the loader has it, for as long as the object is loaded; "": not known */
} modules_found;

/* Asks for the program's path, which the loader does not know. This is called once, before the others, by one
 * thread; it takes the loader's lock. */
void modules_start(void);

/** Find the program, or the library, that holds an address.
 *  @param[in]  address  one that the calling thread will return to (unwind_stack), so that what holds it
 *                       stays loaded meanwhile
 *  @param[out] out      untouched if nothing holds the address
 *  Returns false if nothing does: the code was made at run time.
 *  Thread-safe. It keeps errno, calls no malloc, and takes no lock from glibc 2.35 on; before, the loader's
 *  (loaded.h). */
bool modules_find(uint64_t address, modules_found *out);

#endif
