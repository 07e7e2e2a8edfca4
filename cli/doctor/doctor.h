/* The parts of `arrowpool doctor`, one file each. None of them runs the command; its interpreter and its
 * loader are asked, and what is run so is noted. */
#ifndef ARROWPOOL_CLI_DOCTOR_DOCTOR_H
#define ARROWPOOL_CLI_DOCTOR_DOCTOR_H

#include "cli/doctor/target.h"
#include "cli/program/libraries.h"
#include "cli/program/program.h"

/* The settings, which the others go by, and what is wrong with them. */
void doctor_settings(target *p);

/* What the settings mean, and what else of the environment matters; LD_PRELOAD. */
void doctor_environment(target *p);
void doctor_preload_list(target *p);

/* The shim's file. */
void doctor_shim(target *p);

/* A command's program, and its libraries. */
void doctor_program(target *p, const program *of);

/* A command that is Python: its pyarrow. */
void doctor_python(target *p, const program *of);

/* Ask the loader for the libraries of a file. False: they are not known, and a finding says why. Whatever
 * comes out holds memory. */
bool doctor_ask_libraries(target *p, const char *loader, const char *file, libraries *out);

/* Every libarrow among them; false: there is none. */
bool doctor_arrows(target *p, const libraries *l);

/* Arrow's code is in that file itself. */
void doctor_static_arrow(target *p, const char *path);

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
