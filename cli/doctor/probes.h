/* Finds out what the kernel grants here by doing it, in a child process whose end takes everything back. */
#ifndef ARROWPOOL_CLI_DOCTOR_PROBES_H
#define ARROWPOOL_CLI_DOCTOR_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

typedef struct probes {
  bool ran;
  size_t reserved;    /* bytes of the address range that the shim would get; 0: none */
  bool writable;      /* a part of it could be made writable */
  bool moves_pages;   /* mremap with MREMAP_DONTUNMAP works */
  bool moves_several; /* it works over several mappings in one call */
  bool advises_huge;  /* madvise(MADV_HUGEPAGE) works */
  bool gets_huge;     /* and a huge page came */
} probes;

/* Tries it under these limits, where they are given (NULL: this process's own). */
void probes_run(const struct rlimit *address_space, const struct rlimit *data, probes *out);

#endif
