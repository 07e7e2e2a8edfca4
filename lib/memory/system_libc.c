/* Makes the allocator behind libarrowpool.so (system_calls.h) whatever the process's symbols lead to. */
#include "memory/system_calls.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdlib.h>

bool system_moves_pages;

/* Asks the loader, whose lock nobody waits for who has one of ours: nothing is allocated yet. */
static __attribute__((constructor(101))) void look_whose_allocator(void) {
  Dl_info own, libc;
  system_moves_pages = dladdr((void *)realloc, &own) && dladdr((void *)gnu_get_libc_version, &libc) &&
                       own.dli_fbase == libc.dli_fbase;
}

const system_calls system_allocator = {posix_memalign, realloc, free, malloc_usable_size, malloc_trim};
