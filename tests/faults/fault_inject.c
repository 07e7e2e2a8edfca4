/* A preload that has calls of ours fail: those that come from libarrowpool.so or the shim, told by the
 * address they return to. The program's own calls, and those within libc, go through.
 *
 *   FAULTS=CALL:N:ERRNO[>CALL:N:ERRNO][,...]    the Nth call fails; "N+": all from the Nth on. What stands
 *                                behind a `>` counts from that failure on, in its thread and its request;
 *                                an mmap or munmap past libc's function, by syscall, is one like any other
 *   FAULTS_REPORT=FILE           how often each was called and failed, as records: see `record`
 *
 * `manners` below has the names of calls that do something before they fail. A program that has requests
 * calls fault_inject_request, by its name, before each. Preload it after the shim: what the shim passes on
 * arrives here last. Counting goes on in the children of a fork where there is a report. */
#undef _FILE_OFFSET_BITS /* both names of a function are defined here, open and open64 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* X(type, name, parameters) of the functions that are stood in for. */
#define CALLS(X)                                                                                             \
  X(void *, mmap, (void *, size_t, int, int, int, off_t))                                                    \
  X(long, syscall, (long, ...))                                                                              \
  X(int, munmap, (void *, size_t))                                                                           \
  X(void *, mremap, (void *, size_t, size_t, int, ...))                                                      \
  X(int, madvise, (void *, size_t, int))                                                                     \
  X(int, mprotect, (void *, size_t, int))                                                                    \
  X(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))                   \
  X(int, pthread_key_create, (pthread_key_t *, void (*)(void *)))                                            \
  X(int, open, (const char *, int, ...))                                                                     \
  X(int, close, (int))                                                                                       \
  X(ssize_t, write, (int, const void *, size_t))                                                             \
  X(int, openat, (int, const char *, int, ...))                                                              \
  X(int, renameat, (int, const char *, int, const char *))                                                   \
  X(int, fchmod, (int, mode_t))                                                                              \
  X(int, ftruncate, (int, off_t))                                                                            \
  X(int, posix_fallocate, (int, off_t, off_t))                                                               \
  X(int, posix_memalign, (void **, size_t, size_t))                                                          \
  X(void *, aligned_alloc, (size_t, size_t))                                                                 \
  X(void *, memalign, (size_t, size_t))                                                                      \
  X(void *, realloc, (void *, size_t))

enum {
#define X(type, name, parameters) CALL_##name,
  CALLS(X)
#undef X
      CALL_COUNT
};

typedef struct record {
  char label[24];
  _Atomic uint64_t calls, failed;
  _Atomic uint64_t after; /* calls in a request in which something had failed before */
} record;

#define FAULTS_MAX  8
#define LIBRARY_MAX 4

static struct {
#define X(type, name, parameters) type(*name) parameters;
  CALLS(X)
#undef X
} real;
static record own_records[CALL_COUNT], *records = own_records;
/* How a call fails that is not simply refused: part of it is done, and a target's rest is unmapped. */
static const struct manner {
  const char *name;
  int call;
  bool partly, unmaps;
} manners[] = {{"mremap_unmaps", CALL_mremap, false, true},
               {"mremap_partly", CALL_mremap, true, false},
               {"mremap_partly_unmaps", CALL_mremap, true, true},
               {"madvise_partly", CALL_madvise, true, false}};
static struct fault {
  int call;
  uint64_t first, last;
  int error;
  const struct fault *after; /* counts from this one's failure on */
  bool partly, unmaps;
} faults[FAULTS_MAX];
static int fault_count;
/* What failed in the request that this thread is in, and the calls since. */
static __thread __attribute__((tls_model("initial-exec"))) struct {
  const struct fault *failed;
  uint64_t calls[CALL_COUNT];
} request;
static struct { uintptr_t low, high; } libraries[LIBRARY_MAX];
static int library_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void bad(const char *what) {
  fprintf(stderr, "fault_inject: bad %s\n", what);
  _exit(99);
}

static int call_of(const char *name) {
  for (int i = 0; i < CALL_COUNT; i++)
    if (strcmp(records[i].label, name) == 0)
      return i;
  return -1;
}

static void read_fault(const char *text, struct fault *f) {
  char name[24], kind;
  unsigned long first;
  if (sscanf(text, "%23[a-z_0-9]:%lu%c", name, &first, &kind) != 3 ||
      sscanf(strrchr(text, ':'), ":%d", &f->error) != 1)
    bad("FAULTS");
  f->call = call_of(name);
  for (size_t i = 0; i < sizeof manners / sizeof *manners; i++)
    if (strcmp(manners[i].name, name) == 0) {
      f->call = manners[i].call;
      f->partly = manners[i].partly;
      f->unmaps = manners[i].unmaps;
    }
  f->first = first;
  f->last = kind == '+' ? UINT64_MAX : first;
  if (f->call < 0)
    bad("FAULTS");
}

static void read_faults(const char *at) {
  const struct fault *before = NULL;
  while (at && *at) {
    char text[64];
    size_t length = strcspn(at, ",>");
    if (length >= sizeof text || fault_count == FAULTS_MAX)
      bad("FAULTS");
    memcpy(text, at, length);
    text[length] = 0;
    struct fault *f = &faults[fault_count++];
    read_fault(text, f);
    f->after = before;
    at += length;
    before = *at == '>' ? f : NULL;
    at += *at != 0;
  }
}

static int note_library(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "/libarrowpool"); i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
      if (library_count == LIBRARY_MAX)
        bad("number of libraries");
      libraries[library_count].low = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      libraries[library_count].high = libraries[library_count].low + info->dlpi_phdr[i].p_memsz;
      library_count++;
    }
  return 0;
}

static void open_report(const char *path) {
  int fd = real.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || real.ftruncate(fd, sizeof own_records))
    bad("FAULTS_REPORT");
  void *shared = real.mmap(NULL, sizeof own_records, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED)
    bad("FAULTS_REPORT");
  memcpy(shared, own_records, sizeof own_records);
  records = shared;
  real.close(fd);
}

static void prepare(void) {
#define X(type, name, parameters)                                                                            \
  *(void **)&real.name = dlsym(RTLD_NEXT, #name);                                                            \
  strcpy(own_records[CALL_##name].label, #name);
  CALLS(X)
#undef X
  dl_iterate_phdr(note_library, NULL);
  if (getenv("FAULTS_REPORT"))
    open_report(getenv("FAULTS_REPORT"));
  read_faults(getenv("FAULTS"));
}

void fault_inject_request(void);
void fault_inject_request(void) { memset(&request, 0, sizeof request); }

static bool is_due(const struct fault *f, int call, uint64_t number) {
  if (f->after) {
    if (request.failed != f->after)
      return false;
    number = request.calls[call];
  }
  return f->call == call && number >= f->first && number <= f->last;
}

/* The fault for this call, if it is to fail. */
static const struct fault *fault_of(int call, const void *caller) {
  pthread_once(&once, prepare);
  bool ours = false;
  for (int i = 0; i < library_count; i++)
    ours |= (uintptr_t)caller - libraries[i].low < libraries[i].high - libraries[i].low;
  if (!ours)
    return NULL;
  uint64_t number = atomic_fetch_add(&records[call].calls, 1) + 1;
  if (request.failed) {
    atomic_fetch_add(&records[call].after, 1);
    request.calls[call]++;
  }
  for (const struct fault *f = faults; f < faults + fault_count; f++)
    if (is_due(f, call, number)) {
      atomic_fetch_add(&records[call].failed, 1);
      if (!request.failed)
        request.failed = f;
      return f;
    }
  return NULL;
}

#define FAULT(name) const struct fault *f = fault_of(CALL_##name, __builtin_return_address(0))

/* The failing call's result where errno says why. */
#define FAIL_WITH(result) return errno = f->error, (result)

void *mmap(void *at, size_t size, int access, int flags, int fd, off_t offset) {
  FAULT(mmap);
  if (f)
    FAIL_WITH(MAP_FAILED);
  return real.mmap(at, size, access, flags, fd, offset);
}

long syscall(long number, ...) {
  long arguments[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++)
    arguments[i] = va_arg(rest, long);
  va_end(rest);
  pthread_once(&once, prepare);
  const struct fault *f = number == SYS_mmap     ? fault_of(CALL_mmap, __builtin_return_address(0))
                          : number == SYS_munmap ? fault_of(CALL_munmap, __builtin_return_address(0))
                                                 : NULL;
  if (f)
    FAIL_WITH(-1);
  return real.syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                      arguments[5]);
}

int munmap(void *at, size_t size) {
  FAULT(munmap);
  if (f)
    FAIL_WITH(-1);
  return real.munmap(at, size);
}

/* The part that is done of a call which then fails: a quarter, a half or three quarters of the pages, in
 * turns. */
static size_t part_of(size_t size) {
  static _Atomic unsigned turn;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return size / page * (1 + turn++ % 3) / 4 * page;
}

void *mremap(void *at, size_t old_size, size_t size, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  void *target = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
  va_end(rest);
  FAULT(mremap);
  if (f && target) {
    size_t part = f->partly && old_size == size ? part_of(size) : 0;
    if (part && real.mremap(at, part, part, flags, target) == MAP_FAILED)
      part = 0;
    if (f->unmaps)
      real.munmap((char *)target + part, size - part);
  }
  if (f)
    FAIL_WITH(MAP_FAILED);
  return real.mremap(at, old_size, size, flags, target);
}

int madvise(void *at, size_t size, int advice) {
  FAULT(madvise);
  if (f && f->partly)
    real.madvise(at, part_of(size), advice);
  if (f)
    FAIL_WITH(-1);
  return real.madvise(at, size, advice);
}

int mprotect(void *at, size_t size, int access) {
  FAULT(mprotect);
  if (f)
    FAIL_WITH(-1);
  return real.mprotect(at, size, access);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) {
  FAULT(pthread_create);
  return f ? f->error : real.pthread_create(thread, attributes, body, argument);
}

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *)) {
  FAULT(pthread_key_create);
  return f ? f->error : real.pthread_key_create(key, destroy);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  FAULT(open);
  if (f)
    FAIL_WITH(-1);
  return real.open(path, flags, mode);
}

#define FAILS(type, name, failure, parameters, arguments)                                                    \
  type name parameters {                                                                                     \
    FAULT(name);                                                                                             \
    if (f)                                                                                                   \
      FAIL_WITH(failure);                                                                                    \
    return real.name arguments;                                                                              \
  }
FAILS(ssize_t, write, -1, (int fd, const void *bytes, size_t size), (fd, bytes, size))
FAILS(int, renameat, -1, (int from_directory, const char *from, int to_directory, const char *to),
      (from_directory, from, to_directory, to))
FAILS(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
FAILS(int, ftruncate, -1, (int fd, off_t size), (fd, size))
FAILS(void *, aligned_alloc, NULL, (size_t alignment, size_t size), (alignment, size))
FAILS(void *, memalign, NULL, (size_t alignment, size_t size), (alignment, size))
FAILS(void *, realloc, NULL, (void *buffer, size_t size), (buffer, size))

/* The descriptor is gone all the same, as Linux has it. */
int close(int fd) {
  FAULT(close);
  int result = real.close(fd);
  if (f)
    FAIL_WITH(-1);
  return result;
}

int openat(int directory, const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  FAULT(openat);
  if (f)
    FAIL_WITH(-1);
  return real.openat(directory, path, flags, mode);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  FAULT(posix_fallocate);
  return f ? f->error : real.posix_fallocate(fd, offset, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  FAULT(posix_memalign);
  return f ? f->error : real.posix_memalign(out, alignment, size);
}

__attribute__((alias("mmap"))) void *mmap64(void *, size_t, int, int, int, off64_t);
__attribute__((alias("open"))) int open64(const char *, int, ...);
__attribute__((alias("openat"))) int openat64(int, const char *, int, ...);
__attribute__((alias("ftruncate"))) int ftruncate64(int, off64_t);
__attribute__((alias("posix_fallocate"))) int posix_fallocate64(int, off64_t, off64_t);
