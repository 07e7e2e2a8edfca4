/* Makes files that a process keeps of itself, and has them keep room. */
#include "base/process_file.h"

#include "arrowpool.h"
#include "base/live_name.h"
#include "base/proc.h"
#include "base/sigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

uint32_t process_file_pid_namespace(void) {
  struct stat status;
  return stat("/proc/self/ns/pid", &status) ? 0 : (uint32_t)status.st_ino;
}

int64_t process_file_start_ticks(void) {
  proc_stat own;
  return proc_read_stat("/proc/self/stat", &own) ? own.start_ticks : 0;
}

static void copy_text(char *out, size_t size, const char *text) {
  size_t length = strnlen(text, size - 1);
  memcpy(out, text, length);
  out[length] = 0;
}

/* What libc has is part of the arguments, over which a program may write its title. So it is copied before
 * main, and earlier if libraries use memory before they and we are constructed. */
__attribute__((constructor(101))) static void keep_program(void) { process_file_program(); }

const char *process_file_program(void) {
  static char program[PROGRAM_NAME_BYTES];
  static bool is_known;
  if (!is_known)
    copy_text(program, sizeof program, program_invocation_short_name);
  is_known = true;
  return program;
}

/* This is never inlined, so that what it has on the stack is gone when the caller goes on. */
__attribute__((noinline)) void process_file_host(char out[HOST_NAME_BYTES]) {
  struct utsname names;
  copy_text(out, HOST_NAME_BYTES, uname(&names) ? "" : names.nodename);
}

void process_file_describe_owner(process_file_owner *out) {
  proc_read("/proc/sys/kernel/random/boot_id", out->boot, sizeof out->boot);
  process_file_host(out->host);
  copy_text(out->program, sizeof out->program, process_file_program());
  copy_text(out->library, sizeof out->library, ARROWPOOL_VERSION);
  proc_read("/proc/self/cmdline", out->command, sizeof out->command);
}

const char *process_file_absolute(const char *directory, char path[PATH_MAX]) {
  if (*directory == '/' || !getcwd(path, PATH_MAX) || strlen(path) + strlen(directory) + 2 >= PATH_MAX)
    return directory;
  return strcat(strcat(path, "/"), directory);
}

bool process_file_set_directory(process_file *f, const char *directory) {
  if (strlen(directory) >= sizeof f->directory) {
    errno = ENAMETOOLONG;
    return false;
  }
  strcpy(f->directory, directory);
  return true;
}

/* Sets the file's name. `image` is how often the process had become another program, or somebody made files
 * up. */
static void set_path(process_file *f, unsigned image) {
  char *name = stpcpy(f->path, f->directory);
  *name++ = '/';
  live_name_make(name, (int64_t)syscall(SYS_getpid), process_file_start_ticks(), image, f->kind->suffix);
}

/* Returns whether an open file says that it is this process's. */
static bool is_own(const process_file *f, int fd) {
  struct stat status;
  char magic[8];
  int64_t pid;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
         pread(fd, magic, sizeof magic, 0) == sizeof magic &&
         memcmp(magic, f->kind->magic, sizeof magic) == 0 &&
         pread(fd, &pid, sizeof pid, (off_t)f->kind->pid_offset) == sizeof pid && pid == syscall(SYS_getpid);
}

/* Says in a file of this process that it became another program; if that fails, it will look like one that is
 * gone. */
static void mark_replaced(const process_file *f) {
  uint32_t state = f->kind->replaced;
  int fd = open(f->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
  ssize_t done =
      fd >= 0 && is_own(f, fd) ? pwrite(fd, &state, sizeof state, (off_t)f->kind->state_offset) : 0;
  (void)done;
  if (fd >= 0)
    close(fd);
}

/* A limit on the size of files (RLIMIT_FSIZE) raises SIGXFSZ in whoever exceeds it, here and below. */
bool process_file_reserve(int fd, size_t offset, size_t size) {
  int error; /* posix_fallocate leaves errno alone */
  sigpipe_state signals;
  sigpipe_begin(&signals);
  while ((error = posix_fallocate(fd, (off_t)offset, (off_t)size)) == EINTR) {
  }
  sigpipe_end(&signals);
  if (error)
    errno = error;
  return !error;
}

static bool set_size(int fd, size_t size) {
  sigpipe_state signals;
  sigpipe_begin(&signals);
  bool done = ftruncate(fd, (off_t)size) == 0;
  sigpipe_end(&signals);
  return done;
}

int process_file_create(process_file *f, size_t size) {
  mkdir(f->directory, 0700);
  int fd = -1;
  for (unsigned image = 0; image < 1000; image++) {
    set_path(f, image);
    fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 || errno != EEXIST)
      break;
    mark_replaced(f);
  }
  struct stat status;
  if (fd < 0)
    return -1;
  if (fchmod(fd, 0600))
    errno = 0; /* a file system without modes: the umask can only have taken some away */
  if (!set_size(fd, size) || fstat(fd, &status)) {
    int error = errno;
    unlink(f->path);
    close(fd);
    errno = error;
    return -1;
  }
  f->device = status.st_dev;
  f->inode = status.st_ino;
  return fd;
}

static _Atomic bool is_confined;

void process_file_confine(bool confined) { atomic_store(&is_confined, confined); }

bool process_file_is_confined(void) { return is_confined; }

bool process_file_may_end(int64_t pid, bool orderly) {
  return is_confined ? orderly : pid == syscall(SYS_getpid);
}

void process_file_remove(const process_file *f) {
  if (!is_confined)
    unlink(f->path);
}

bool process_file_allocate(const process_file *f, size_t offset, size_t size) {
  struct stat status;
  if (is_confined) {
    errno = EPERM;
    return false;
  }
  int fd = open(f->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  bool done = fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == f->device && status.st_ino == f->inode &&
              process_file_reserve(fd, offset, size);
  if (fd >= 0)
    close(fd);
  return done;
}
