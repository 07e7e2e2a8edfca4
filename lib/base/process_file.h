/* A file that a process keeps of itself, mapped, so that others can read it also after the process was
 * killed: a live file, a profile. It is made for its owner only, sparse, in a directory, and gets room on the
 * disk before it is touched: a mapping of a full disk's hole ends the process.
 *
 * Its name (base/live_name.h) says which process it is of; what is there already under it is this very
 * process before an exec, and is told so in the file. All keep no descriptor: daemons close all. They are
 * called off the hot path, under the lock of whoever keeps the file, and set errno where they fail. */
#ifndef ARROWPOOL_BASE_PROCESS_FILE_H
#define ARROWPOOL_BASE_PROCESS_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What such a file begins with: how to know one, and where it says that its process became another program.
 */
typedef struct process_file_kind {
  const char *suffix, *magic; /* the magic has 8 bytes */
  size_t pid_offset;          /* of an int64_t */
  size_t state_offset;        /* of a uint32_t */
  uint32_t replaced;          /* what that is then */
} process_file_kind;

#define HOST_NAME_BYTES    65
#define PROGRAM_NAME_BYTES 64
#define COMMAND_BYTES      512
#define JOB_NAME_BYTES     64

/* Whose file it is. Texts end in a NUL, unless they fill their place. */
typedef struct process_file_owner {
  char boot[40]; /* the kernel's boot id: numbers of processes begin anew with it */
  char host[HOST_NAME_BYTES];
  char program[PROGRAM_NAME_BYTES]; /* as process_file_program has it */
  char library[16];                 /* the library's version */
  char command[COMMAND_BYTES];      /* arguments, separated by NULs */
} process_file_owner;

typedef struct process_file {
  const process_file_kind *kind;
  char directory[PATH_MAX - 128], path[PATH_MAX];
  dev_t device;
  ino_t inode;
} process_file;

/* Returns a directory's path from the root, perhaps in `path`: the process may change its own. */
const char *process_file_absolute(const char *directory, char path[PATH_MAX]);

/* Sets the directory (absolute). Returns false if its name is too long. */
bool process_file_set_directory(process_file *f, const char *directory);

/* Makes the file, with so many bytes and room for none of them, and the directory if there is none. Returns
 * a descriptor, which is the caller's to close; -1 on failure. */
int process_file_create(process_file *f, size_t size);

/* They have the file keep room for [offset, offset + size) (bytes), of a descriptor or later, by the path. */
bool process_file_reserve(int fd, size_t offset, size_t size);
bool process_file_allocate(const process_file *f, size_t offset, size_t size);

/* The process confines itself (seccomp), or does no longer: from then on the kernel is asked for nothing that
 * buffers do not need, since a system call may end the process. No file gets more room. Async-signal-safe. */
void process_file_confine(bool confined);
bool process_file_is_confined(void);

/* Returns whether the file of the process `pid` is the caller's to end: not in a child that shares the memory
 * (vfork) or has a copy of it. A confined process cannot tell, but for such a child ends `orderly` never. */
bool process_file_may_end(int64_t pid, bool orderly);

/* Removes the file; that of a confined process stays. Async-signal-safe. */
void process_file_remove(const process_file *f);

/* What a file says of its process: its number, its start (ticks since boot), and its pid namespace, as a
 * number of the kernel's; 0 where it is not known. */
int64_t process_file_start_ticks(void);
uint32_t process_file_pid_namespace(void);
void process_file_describe_owner(process_file_owner *out);

/* Returns the program's name as the process was started: one that gives itself another name later keeps the
 * first one here, and so do the children that it forks. */
const char *process_file_program(void);

/* Copies the host's name, which is empty if it is not known. */
void process_file_host(char out[HOST_NAME_BYTES]);

#endif
