/* Says what the doctor knows of one libarrow: its version, and which hooks serve it, by what it exports. */
#include "arrow/abi.h"
#include "cli/doctor/doctor.h"
#include "cli/program/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "arrow"

/* They count the functions by which programs reach the pools, and what patching needs besides methods. */
enum { FACTORIES = 2, BASES = 4, MI = 4 };

typedef struct names {
  bool required;
  const char *aligned, *other;
} names;

static const names methods[] = {
#define METHOD(id, required, aligned, other) {required, aligned, other},
#include "arrow/methods.def"
#undef METHOD
};
enum { METHODS = sizeof methods / sizeof *methods };

/* Says what of libarrow can be served. */
typedef struct sight {
  bool shows_factories, can_be_patched, has_mi;
} sight;

static sight doctor_arrow_look(const elf_file *f) {
  elf_symbol wanted[BASES + MI + 2 * METHODS] = {
      {.name = "_ZN5arrow19default_memory_poolEv"},
      {.name = "_ZN5arrow18system_memory_poolEv"},
      {.name = "_ZTVN5arrow15ProxyMemoryPoolE"},
      {.name = "_ZN5arrow11memory_pool8internal14zero_size_areaE"},
      {.name = "arrow_mi_malloc_aligned"},
      {.name = "arrow_mi_realloc_aligned"},
      {.name = "arrow_mi_free"},
      {.name = "arrow_mi_collect"},
  };
  elf_symbol *method = wanted + BASES + MI;
  for (size_t i = 0; i < METHODS; i++) {
    method[2 * i].name = methods[i].aligned;
    method[2 * i + 1].name = methods[i].other ? methods[i].other : methods[i].aligned;
  }
  elf_file_find(f, false, wanted, sizeof wanted / sizeof *wanted);
  sight s = {true, ABI_KNOWN, true};
  for (int i = 0; i < FACTORIES; i++)
    s.shows_factories &= wanted[i].defined;
  for (int i = 0; i < BASES; i++)
    s.can_be_patched &= wanted[i].defined;
  for (size_t i = 0; i < METHODS; i++)
    s.can_be_patched &= !methods[i].required || method[2 * i].defined || method[2 * i + 1].defined;
  for (int i = BASES; i < BASES + MI; i++)
    s.has_mi &= wanted[i].defined;
  return s;
}

bool doctor_arrow_is_served(const target *p, const elf_file *f) {
  int64_t hooks = p->settings.values[OPTION_HOOKS].number;
  sight s = doctor_arrow_look(f);
  return (s.can_be_patched && (hooks & OPTIONS_HOOK_ARROW_VTABLE)) ||
         (s.has_mi && (hooks & OPTIONS_HOOK_ARROW_MI));
}

bool doctor_arrow_is_named(const char *name) {
  static const char stem[] = "libarrow", hexadecimal[] = "0123456789abcdef";
  if (strncmp(name, stem, sizeof stem - 1) != 0)
    return false;
  name += sizeof stem - 1;
  if (*name == '-' && strspn(name + 1, hexadecimal) == 8)
    name += 9;
  return strncmp(name, ".so", 3) == 0;
}

/* Reads "26.0" of libarrow.so.2600. The major is 0 where the name does not tell. */
static int read_version(const elf_file *f, const char *path, char *out, size_t size) {
  const char *name = basename(f->soname ? f->soname : path), *suffix = strstr(name, ".so.");
  int number = suffix && doctor_arrow_is_named(name) ? atoi(suffix + strlen(".so.")) : 0;
  snprintf(out, size, number >= 100 ? "libarrow %d.%d" : "libarrow", number / 100, number % 100);
  return number / 100;
}

static void tell_hooks(target *p, const char *version, const char *path, const sight *s) {
  int64_t hooks = p->settings.values[OPTION_HOOKS].number;
  bool patched = s->can_be_patched && (hooks & OPTIONS_HOOK_ARROW_VTABLE),
       replaced = s->has_mi && (hooks & OPTIONS_HOOK_ARROW_MI);
  const char *pool = environment_get(p->environment, "ARROW_DEFAULT_MEMORY_POOL");
  if (patched)
    findings_add(&p->found, FINDING_OK, TOPIC, NULL,
                 "%s: its pools are served by the arrow_vtable hook%s: %s", version,
                 replaced ? ", what reaches its mimalloc past them by the arrow_mi hook" : "", path);
  else if (replaced)
    findings_add(&p->found, FINDING_WARNING, TOPIC,
                 s->can_be_patched ? "name arrow_vtable in ARROW_POOL_HOOKS" : NULL,
                 "%s: only its mimalloc is served, by the arrow_mi hook: %s", version, path);
  else if ((hooks & OPTIONS_HOOK_LIBC) && pool && strcmp(pool, "system") == 0)
    findings_add(&p->found, FINDING_WARNING, TOPIC, NULL,
                 "%s: only its system pool is served, by the libc hook, without reallocation in place: %s",
                 version, path);
  else if (s->can_be_patched || s->has_mi)
    findings_add(&p->found, FINDING_PROBLEM, TOPIC, "unset ARROW_POOL_HOOKS",
                 "%s: ARROW_POOL_HOOKS leaves out every hook that would serve its pools: %s", version, path);
  else
    findings_add(&p->found, FINDING_PROBLEM, TOPIC,
                 "ARROW_DEFAULT_MEMORY_POOL=system has its buffers pass the libc hook",
                 s->shows_factories ? "%s: its pools are not built as we know them, and stay its own: %s"
                                    : "%s: it hides its symbols, so that its pools stay its own: %s",
                 version, path);
}

void doctor_arrow(target *p, const char *path) {
  char full[PATH_MAX + 64], version[48];
  elf_file f;
  snprintf(full, sizeof full, "%s%s", p->root, path);
  const char *problem = elf_file_open(full, &f);
  if (problem) {
    findings_add(&p->found, FINDING_PROBLEM, TOPIC, NULL, "%s: %s", path, problem);
    return;
  }
  int major = read_version(&f, path, version, sizeof version);
  sight s = doctor_arrow_look(&f);
  tell_hooks(p, version, path, &s);
  doctor_profile_arrow(p, &f, version);
  elf_file_close(&f);
  if (major && major < 10)
    findings_add(&p->found, FINDING_WARNING, TOPIC, "take libarrow 10 or newer",
                 "%s is older than what the shim is tested with", version);
  if (major == 23 || major == 24)
    findings_add(
        &p->found, FINDING_NOTE, TOPIC, NULL,
        "%s: a C++ program that passes no pool before it ever asked for one gets buffers of Arrow's own",
        version);
}
