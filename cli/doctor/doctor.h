/* The parts of `arrowpool doctor`, one file each. None of them runs the command; its interpreter and its
 * loader are asked, and what is run so is noted. */
#ifndef ARROWPOOL_CLI_DOCTOR_DOCTOR_H
#define ARROWPOOL_CLI_DOCTOR_DOCTOR_H

#include "cli/doctor/target.h"
#include "cli/program/libraries.h"
#include "cli/program/program.h"
#include "cli/program/python.h"

/* Reads the settings, which the others go by, and tells what is wrong with them. */
void doctor_settings(target *p);

/* Tells what the settings mean, and what else of the environment matters, LD_PRELOAD included. */
void doctor_environment(target *p);
void doctor_preload_list(target *p);

/* Looks for the shim's file. */
void doctor_shim(target *p);

/* Looks at a command's program, and its libraries. */
void doctor_program(target *p, const program *of);

/* Looks at the pyarrow of a command that is Python. */
void doctor_python(target *p, const program *of);

/* Asks the loader for the libraries of a file. Returns false if they are not known; a finding says why.
 * Whatever comes out holds memory. */
bool doctor_ask_libraries(target *p, const char *loader, const char *file, libraries *out);

/* Tells of every libarrow among them. Returns false if there is none. */
bool doctor_arrows(target *p, const libraries *l);

/* Tells that Arrow's code is in that file itself. */
void doctor_static_arrow(target *p, const char *path);

/* Tells which hooks serve one libarrow. `path` is as the target sees it. */
void doctor_arrow(target *p, const char *path);

/* Returns whether its pools are served, with these settings. */
bool doctor_arrow_is_served(const target *p, const elf_file *f);

/* Returns whether a library's name is one of libarrow: libarrow.so.2600, or libarrow-53ba6fb7.so.2200.0.0 as
 * wheels have it that carry their own. */
bool doctor_arrow_is_named(const char *name);

/* They look through libraries that are loaded for allocators and for an Arrow of their own, one by one, and
 * then tell what is not served. Whether one is a libarrow is returned. `has_arrow`: there is one, so that
 * what is not served is not all. */
void doctor_bundled_start(void);
bool doctor_bundled_loaded(const target *p, const char *path);
void doctor_bundled_tell(target *p, bool has_arrow);

/* Does the same for what is in these directories, a line each, where a program may import it. Lines are cut.
 */
void doctor_bundled_installed(target *p, char *sites);

/* Tells of libraries that have an opinion on allocation. Returns whether this one is an allocator. */
bool doctor_notable_library(target *p, const char *name, const char *path);

/* They look for who frees: first in the program's file, then in each library's, and tell what that means. */
void doctor_malloc_program(const elf_file *f);
void doctor_malloc_library(const target *p, const char *path, bool is_allocator);
void doctor_malloc_tell(target *p);

/* They tell of profiles: of a command whether one will be kept, and whether it will have Python's lines and
 * the tasks of a libarrow; of a process what its own says. */
void doctor_profile_setting(target *p);
void doctor_profile_python(target *p, const python *py);
void doctor_profile_arrow(target *p, const elf_file *f, const char *version);
void doctor_profile_process(target *p, bool has_arrow);

/* Looks at the kernel's settings, limits, and what it grants. */
void doctor_kernel(target *p);

/* Tells whether arrowpool was installed in a process that ran already, by what is mapped into it. Returns
 * whether it is known to be. */
bool doctor_installed(target *p, char **mappings);

/* Looks at a running process; its settings are in the target. */
void doctor_process(target *p);

#endif
