/* Goes through what is loaded in the process (subject.h). */
#include "cli/attach/subject.h"

#include "cli/attach/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those of the C library that lie side by side, with all that they call, in malloc's source file. */
static const char *const malloc_family[] = {"malloc",
                                            "free",
                                            "cfree",
                                            "calloc",
                                            "realloc",
                                            "memalign",
                                            "aligned_alloc",
                                            "valloc",
                                            "pvalloc",
                                            "malloc_trim",
                                            "malloc_usable_size",
                                            "mallinfo",
                                            "mallinfo2",
                                            "malloc_stats",
                                            "mallopt",
                                            "posix_memalign",
                                            "malloc_info",
                                            "__libc_malloc",
                                            "__libc_free",
                                            "__libc_calloc",
                                            "__libc_realloc",
                                            "__libc_memalign",
                                            "__libc_valloc",
                                            "__libc_pvalloc",
                                            "__libc_mallinfo",
                                            "__libc_mallopt"};

/* What stays loaded as long as libarrow does, so that their unused memory stays there as well. */
static const char *const lasting[] = {"libarrow.so", "libc.so",       "libm.so",  "libstdc++.so",
                                      "libgcc_s.so", "libpthread.so", "libdl.so", "libpython"};

static void add_range(subject *s, range *list, size_t *count, size_t room, range r) {
  if (r.begin >= r.end)
    return;
  if (*count < room)
    list[(*count)++] = r;
  else
    s->has_ranges = false;
}

static void shun(subject *s, range r) { add_range(s, s->shunned, &s->shunned_count, SUBJECT_SHUNNED, r); }

static void note_system(subject *s, const module *m) {
  add_range(s, s->system, &s->system_count, SUBJECT_SHUNNED, m->code);
}

/* Finds the code to which a signal handler returns: the system call rt_sigreturn. */
static void find_restorers(subject *s, const module *m, uint64_t offset) {
  static const unsigned char code[] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};
  size_t size = m->code.end - m->code.begin;
  unsigned char *bytes = malloc(size);
  ssize_t length = bytes ? pread(m->elf.fd, bytes, size, (off_t)offset) : -1;
  const unsigned char *at = bytes;
  while (length > 0 && (at = memmem(at, (size_t)(bytes + length - at), code, sizeof code)) != NULL &&
         s->restorers_count < SUBJECT_RESTORERS)
    s->restorers[s->restorers_count++] = m->code.begin + (uint64_t)(at++ - bytes);
  free(bytes);
}

static void find_functions(subject *s, const module *m) {
  static const struct {
    const char *name;
    size_t at;
  } wanted[] = {{"pthread_create", STUB_PTHREAD_CREATE},
                {"pthread_detach", STUB_PTHREAD_DETACH},
                {"__errno_location", STUB_ERRNO_LOCATION},
                {"dlopen", STUB_DLOPEN},
                {"dlsym", STUB_DLSYM},
                {"dlerror", STUB_DLERROR}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    uint64_t *address = (uint64_t *)((char *)&s->functions + wanted[i].at);
    if (!*address)
      *address = module_function(m, wanted[i].name);
  }
}

static bool begins_with_one_of(const char *name, const char *const words[], size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strncmp(name, words[i], strlen(words[i])) == 0)
      return true;
  return false;
}

/* Notes what one module is about. The first one is the program. */
static void note_module(subject *s, const module *m, const mapping *code, bool is_program) {
  static const char *const c_library[] = {"libc.so.6", "libpthread.so.0", "libdl.so.2"};
  const char *name = basename(m->path);
  bool is_loader = strncmp(name, "ld-linux", 8) == 0, is_libc = strcmp(name, c_library[0]) == 0;
  if (is_loader)
    shun(s, m->code);
  else if (is_libc)
    shun(s, module_stretch(m, malloc_family, sizeof malloc_family / sizeof *malloc_family));
  else if (module_function(m, "malloc") || module_function(m, "free")) {
    shun(s, m->code);
    s->has_own_malloc |= is_program;
  }
  if (is_libc)
    find_restorers(s, m, code->offset);
  if (begins_with_one_of(name, c_library, 3))
    find_functions(s, m);
  if (is_loader || begins_with_one_of(name, c_library, 3))
    note_system(s, m);
  if (begins_with_one_of(name, lasting, sizeof lasting / sizeof *lasting)) {
    add_range(s, s->code_rests, &s->code_rests_count, SUBJECT_RESTS, module_rest(m, &s->maps, false));
    add_range(s, s->data_rests, &s->data_rests_count, SUBJECT_RESTS, module_rest(m, &s->maps, true));
  }
}

static bool is_first_of_its_file(const mappings *m, size_t at) {
  for (size_t i = at; i-- > 0;)
    if (m->all[i].runs && strcmp(m->all[i].path, m->all[at].path) == 0)
      return false;
  return true;
}

const char *subject_read(long pid, subject *out) {
  module m;
  char word[8];
  *out = (subject){.pid = pid, .has_ranges = true};
  out->functions.signals = ~(UINT64_C(3) << 31); /* the C library stops threads by 32 and 33 */
  if (!mappings_read(pid, &out->maps))
    return "what is mapped into it is not ours to see";
  if (!remote_read(pid, out->maps.all[0].begin, word, sizeof word) && (errno == EPERM || errno == ENOSYS))
    return "the kernel does not let it be traced from here, as in a container without that right";
  bool is_program = true;
  for (size_t i = 0; i < out->maps.count; i++) {
    const mapping *at = out->maps.all + i;
    if (strncmp(at->path, "[v", 2) == 0 && at->runs)
      add_range(out, out->system, &out->system_count, SUBJECT_SHUNNED, (range){at->begin, at->end});
    if (!at->runs || *at->path != '/' || !is_first_of_its_file(&out->maps, i))
      continue;
    if (module_open(pid, &out->maps, at, &m)) {
      note_module(out, &m, at, is_program);
      module_close(&m);
    } else if (strncmp(basename(at->path), "lib", 3) != 0 || strstr(at->path, "malloc")) {
      shun(out, (range){at->begin, at->end}); /* what cannot be read may be anything */
    }
    is_program = false;
  }
  const stub_values *f = &out->functions;
  if (!f->pthread_create || !f->pthread_detach || !f->errno_location || !f->dlopen || !f->dlsym ||
      !f->dlerror || !out->restorers_count)
    return "its C library is none that is known here, or its file was replaced since it started";
  return out->has_ranges ? NULL : "it has more allocators loaded than can be told apart";
}

void subject_free(subject *s) { mappings_free(&s->maps); }
