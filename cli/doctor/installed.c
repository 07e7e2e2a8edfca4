/* Tells of a process in which arrowpool was installed when it ran already (arrowpool_install). Its live file
 * says so; without one it cannot be told from outside. */
#include "base/live_name.h"
#include "base/presence.h"
#include "cli/doctor/doctor.h"
#include "cli/program/preload.h"
#include "cli/stats/stats.h"

#include <stdio.h>
#include <string.h>

#define TOPIC "process"

static bool is_library(const char *name) { return strncmp(name, "libarrowpool.so", 15) == 0; }

/* Returns whether the file of an own process's figures says it. */
static bool says_installed(const target *p, const char *path) {
  char full[PATH_MAX + 64];
  stats s;
  snprintf(full, sizeof full, "%s%s", p->root, path);
  if (stats_read_live(full, &s) != NULL)
    return false;
  bool installed = s.process.presence == PRESENCE_OF(ARROWPOOL_INSTALLED);
  stats_free(&s);
  return installed;
}

bool doctor_installed(target *p, char **mappings) {
  const char *mapped = NULL;
  bool live = false, installed = false;
  for (; mappings && *mappings; mappings++) {
    const char *path = strchr(*mappings, '/'), *name = path ? basename(path) : "";
    if (preload_is_shim(name)) /* it serves more */
      return false;
    if (is_library(name))
      mapped = path;
    if (live_name_is(name, NULL)) {
      live = true;
      installed = installed || says_installed(p, path);
    }
  }
  if (installed)
    findings_add(&p->found, FINDING_OK, TOPIC, NULL,
                 "arrowpool is installed in it: Arrow's pools are served as the program said, and libc's "
                 "functions are not rerouted");
  else if (mapped && !live)
    findings_add(&p->found, FINDING_NOTE, TOPIC, "arrowpool.install(live=DIRECTORY)",
                 "%s is mapped; whether arrowpool is installed, only a live file would tell", mapped);
  return installed;
}
