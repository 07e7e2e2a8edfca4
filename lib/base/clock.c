/* Finds the kernel's clock function in the vDSO, an ELF library that the kernel maps into the process. The
 * library is read here and not by dlsym, which takes the loader's lock: a thread that holds that lock may be
 * waiting for one of ours. */
#include "base/clock.h"

#include <elf.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__aarch64__)
#define SYMBOL "__kernel_clock_gettime"
#else
#define SYMBOL "__vdso_clock_gettime"
#endif

typedef int clock_function(clockid_t, struct timespec *);

static int ask_kernel(clockid_t clock, struct timespec *out) {
  return (int)syscall(SYS_clock_gettime, clock, out);
}

/* Returns what an entry of a loaded library's dynamic section points to. */
static const void *entry_of(const Elf64_Dyn *dynamic, Elf64_Sxword tag, uintptr_t bias) {
  for (; dynamic->d_tag != DT_NULL; dynamic++)
    if (dynamic->d_tag == tag)
      return (const void *)(bias + dynamic->d_un.d_ptr);
  return NULL;
}

/* Finds the clock function among the symbols; the hash table tells how many there are. */
static clock_function *find_in(const Elf64_Dyn *dynamic, uintptr_t bias) {
  const Elf64_Sym *symbols = entry_of(dynamic, DT_SYMTAB, bias);
  const char *names = entry_of(dynamic, DT_STRTAB, bias);
  const uint32_t *hash = entry_of(dynamic, DT_HASH, bias);
  for (uint32_t i = 0; symbols && names && hash && i < hash[1]; i++)
    if (symbols[i].st_shndx != SHN_UNDEF && strcmp(names + symbols[i].st_name, SYMBOL) == 0)
      return (clock_function *)(bias + symbols[i].st_value); /* NOLINT(performance-no-int-to-ptr) */
  return NULL;
}

static clock_function *clock_find(void) {
  const char *library = (const char *)getauxval(AT_SYSINFO_EHDR); /* NOLINT(performance-no-int-to-ptr) */
  if (!library)
    return NULL;
  const Elf64_Ehdr *header = (const void *)library;
  const Elf64_Phdr *segments = (const void *)(library + header->e_phoff);
  const Elf64_Dyn *dynamic = NULL;
  uintptr_t bias = 0;
  for (int i = 0; i < header->e_phnum; i++)
    if (segments[i].p_type == PT_LOAD && !bias)
      bias = (uintptr_t)library + segments[i].p_offset - segments[i].p_vaddr;
    else if (segments[i].p_type == PT_DYNAMIC)
      dynamic = (const void *)(library + segments[i].p_offset);
  return dynamic ? find_in(dynamic, bias) : NULL;
}

static struct timespec read_clock(clockid_t clock) {
  static _Atomic(clock_function *) known;
  clock_function *read = atomic_load_explicit(&known, memory_order_relaxed);
  struct timespec t = {0, 0};
  if (__builtin_expect(!read, 0)) {
    read = clock_find();
    read = read ? read : ask_kernel;
    atomic_store_explicit(&known, read, memory_order_relaxed);
  }
  read(clock, &t);
  return t;
}

static int64_t in_milliseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000; }

int64_t clock_milliseconds(void) { return in_milliseconds(read_clock(CLOCK_MONOTONIC_COARSE)); }

int64_t clock_microseconds(void) {
  struct timespec t = read_clock(CLOCK_MONOTONIC);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_since_epoch(void) { return in_milliseconds(read_clock(CLOCK_REALTIME)); }
