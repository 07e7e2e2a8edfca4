/* Makes the allocator behind libarrowpool.so (system_calls.h) whatever the process's symbols lead to. */
#include "memory/system_calls.h"

#include <malloc.h>
#include <stdlib.h>

const system_calls system_allocator = {posix_memalign, realloc, free, malloc_usable_size, malloc_trim};
