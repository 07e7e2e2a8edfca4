/* Says who frees: whether what the libc hook hands out could be freed past it, which is why the shim would
 * only count there (shim/bypass.h). What the program and its libraries define and call tells that. */
#include "cli/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "program"

static const char *const own[] = {"free", "realloc", "malloc_usable_size"};
static const char *const bypasses[] = {
#define BYPASS(name) name,
#include "base/bypasses.def"
#undef BYPASS
};
enum { OWN = sizeof own / sizeof *own, BYPASSES = sizeof bypasses / sizeof *bypasses };

/* Keeps what was seen so far, by name. `owned`: what serves malloc behind the shim defines it. */
static struct {
  const char *own;
  bool owned[BYPASSES], called[BYPASSES], has_owner, has_allocator;
} seen;

static void doctor_malloc_look(const elf_file *f, elf_symbol wanted[OWN + BYPASSES]) {
  for (int i = 0; i < OWN; i++)
    wanted[i] = (elf_symbol){.name = own[i]};
  for (int i = 0; i < BYPASSES; i++)
    wanted[OWN + i] = (elf_symbol){.name = bypasses[i]};
  elf_file_find(f, false, wanted, OWN + BYPASSES);
  for (int i = 0; i < BYPASSES; i++)
    seen.called[i] |= wanted[OWN + i].undefined;
}

void doctor_malloc_program(const elf_file *f) {
  elf_symbol wanted[OWN + BYPASSES];
  memset(&seen, 0, sizeof seen);
  doctor_malloc_look(f, wanted);
  for (int i = OWN - 1; i >= 0; i--)
    if (wanted[i].defined)
      seen.own = own[i];
}

void doctor_malloc_library(const target *p, const char *path, bool is_allocator) {
  char full[PATH_MAX + 64];
  elf_symbol wanted[OWN + BYPASSES];
  elf_file f;
  snprintf(full, sizeof full, "%s%s", p->root, path);
  if (elf_file_open(full, &f) != NULL)
    return;
  doctor_malloc_look(&f, wanted);
  elf_file_close(&f);
  bool serves = wanted[0].defined && (is_allocator ? !seen.has_allocator : !seen.has_owner);
  for (int i = 0; serves && i < BYPASSES; i++)
    seen.owned[i] = wanted[OWN + i].defined;
  seen.has_owner |= serves;
  seen.has_allocator |= serves && is_allocator;
}

void doctor_malloc_tell(target *p) {
  const options_value *values = p->settings.values;
  bool serves = values[OPTION_POOL].number == OPTIONS_POOL_JEMALLOC ||
                values[OPTION_DEBUG].number != ARROWPOOL_DEBUG_OFF || (!p->pid && !values[OPTION_POOL].given);
  const char *called = NULL;
  for (int i = BYPASSES - 1; i >= 0; i--)
    if (seen.owned[i] && seen.called[i])
      called = bypasses[i];
  if (!serves || !(values[OPTION_HOOKS].number & OPTIONS_HOOK_LIBC) || (!seen.own && !called))
    return;
  findings_add(&p->found, FINDING_PROBLEM, TOPIC,
               "ARROW_POOL_HOOKS=arrow_mi,arrow_vtable, if Arrow's own pools are all that is wanted",
               "it %s %s: what libc's aligned functions hand out stays its allocator's, and is only counted",
               seen.own ? "defines its own" : "or a library of its calls", seen.own ? seen.own : called);
}
