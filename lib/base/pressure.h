/* Whether memory is short, as the kernel's pressure stall information tells (PSI): for how long tasks had to
 * wait for memory, in the process's control group (version 2), else on the machine. No file stays open. One
 * thread asks; it uses no malloc, no stdio and no locale, and keeps errno. */
#ifndef ARROWPOOL_BASE_PRESSURE_H
#define ARROWPOOL_BASE_PRESSURE_H

#include "base/control_group.h"

#include <stdint.h>
#include <sys/types.h>

/* Memory is short when tasks had to wait for it for more than this share of the time between two looks. */
#define PRESSURE_SHARE_PERCENT 10

/* A look that follows sooner than this (microseconds) is left out: it would see chance. */
#define PRESSURE_LEAST_TIME 50000

/* What the last look saw; all 0 before the first. */
typedef struct pressure {
  pid_t process;                 /* for which the path was found: the child of a fork finds its own */
  char path[CONTROL_GROUP_PATH]; /* "": there is nothing to read */
  int64_t looked_at, waited;     /* microseconds; looked_at 0: `waited` is not known */
} pressure;

/* Returns whether memory was short from the last look until `now` (microseconds); false where that is not to
 * be had. `root` is as in control_group.h. */
bool pressure_rose(pressure *p, const char *root, int64_t now);

#endif
