/* The parts of `arrowpool doctor`, one file each; all of them look, and none runs what it looks at. */
#ifndef ARROWPOOL_CLI_DOCTOR_DOCTOR_H
#define ARROWPOOL_CLI_DOCTOR_DOCTOR_H

#include "cli/doctor/target.h"
#include "cli/program/program.h"

/* The settings, which the others go by, and what is wrong with them. */
void doctor_settings(target *p);

/* What the settings mean, and what else of the environment matters; LD_PRELOAD. */
void doctor_environment(target *p);
void doctor_preload_list(target *p);

/* The shim's file. */
void doctor_shim(target *p);

/* A command's program, its libraries and, for Python, its pyarrow. */
void doctor_program(target *p, const program *of);

/* One libarrow: which hooks serve it. `path` is as the target sees it. */
void doctor_arrow(target *p, const char *path);

/* Libraries that have an opinion on allocation; true: it is an allocator. */
bool doctor_notable_library(target *p, const char *name, const char *path);

/* Who frees: the program's file first, then each library's, then what that means. */
void doctor_malloc_program(const elf_file *f);
void doctor_malloc_library(const target *p, const char *path, bool is_allocator);
void doctor_malloc_tell(target *p);

/* The kernel's settings, limits, and what it grants. */
void doctor_kernel(target *p);

/* A running process; its settings are in the target. */
void doctor_process(target *p);

#endif
