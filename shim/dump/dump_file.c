/* Opens, locks, writes and replaces the file of a dump. The directory is opened once, and all names are
 * looked up from there: the temporary name and the final one are in the same directory, whatever becomes of
 * its path. What is opened is looked at before it is written to, never only what had the name before. */
#include "shim/dump/dump_file.h"

#include "base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TO_WRITE      (O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define TO_APPEND     (O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define LOCK_ATTEMPTS 5000 /* they are a millisecond apart */

typedef struct place {
  int directory;
  const char *name; /* the file's name in the directory */
} place;

/* A function that is never inlined: what it has on the stack must not stay there while the dump is written.
 */
#define PASSING __attribute__((noinline)) static

static bool open_place(const char *path, char parent[PATH_MAX], place *out) {
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) + 1 : 0;
  memcpy(parent, path, length);
  parent[length] = 0;
  out->name = path + length;
  out->directory = open(slash ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return out->directory >= 0;
}

/* Returns the name to open; a path that names no file stands for the directory itself. */
static const char *name_of(const place *p) { return *p->name ? p->name : "."; }

static void close_quietly(int fd) {
  int saved = errno;
  if (fd >= 0)
    close(fd);
  errno = saved;
}

static int dump_file_refuse(int fd, int error) {
  close_quietly(fd);
  errno = error;
  return -1;
}

/* ---- what is written to as it is ---- */

static bool is_trusted(const struct stat *s) { return s->st_uid == 0 || s->st_uid == geteuid(); }

/* Returns whether somebody else put the file into a directory such as /tmp, as the kernel judges it with
 * fs.protected_fifos. */
static bool is_planted(const place *p, const struct stat *s) {
  struct stat directory;
  return !is_trusted(s) && fstat(p->directory, &directory) == 0 && (directory.st_mode & S_ISVTX) &&
         (directory.st_mode & (S_IWGRP | S_IWOTH)) && s->st_uid != directory.st_uid;
}

static bool same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Returns a copy of the program's own stdout or stderr, if it is that file. Opened anew it would be written
 * from its start. */
static int standard_stream(const struct stat *file) {
  struct stat stream;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (fstat(fd, &stream) == 0 && same(&stream, file))
      return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return -1;
}

/* Reads what has the name, and, if that is a link of a user's whom we trust, where it leads; returns false if
 * there is nothing. */
static bool dump_file_look(const place *p, struct stat *s, char target[PATH_MAX]) {
  int handle = openat(p->directory, name_of(p), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  bool found = handle >= 0 && fstat(handle, s) == 0;
  *target = 0;
  if (found && S_ISLNK(s->st_mode)) {
    ssize_t length = is_trusted(s) ? readlinkat(handle, "", target, PATH_MAX - 1) : 0;
    target[length > 0 ? length : 0] = 0;
    found = *target && fstatat(p->directory, target, s, 0) == 0;
  }
  close_quietly(handle);
  return found;
}

/* Opens what is no regular file. Returns false, with `fd` untouched, if there is nothing of the kind. -1 in
 * `fd` means that it may not be written to. */
PASSING bool open_special(const place *p, char target[PATH_MAX], int *fd) {
  struct stat s;
  if (!dump_file_look(p, &s, target))
    return false;
  if (S_ISREG(s.st_mode)) {
    int stream = *target ? standard_stream(&s) : -1;
    *fd = stream < 0 ? *fd : stream;
    return stream >= 0;
  }
  *fd = openat(p->directory, *target ? target : name_of(p), TO_WRITE | (*target ? 0 : O_NOFOLLOW));
  if (*fd >= 0 && (fstat(*fd, &s) || S_ISREG(s.st_mode) || S_ISBLK(s.st_mode)))
    *fd = dump_file_refuse(
        *fd, EPERM); /* no statistics go over a disk, nor over a file that has come in between */
  else if (*fd >= 0 && is_planted(p, &s))
    *fd = dump_file_refuse(*fd, EACCES);
  return true;
}

/* ---- files ---- */

/* Makes a new file, for its owner only, whatever the umask. */
PASSING int create(const place *p, const char *name, int flags) {
  int saved = errno, fd = openat(p->directory, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd >= 0 && fchmod(fd, 0600))
    errno = saved; /* a file system without modes: the umask can only have taken some away */
  return fd;
}

/* Writes the name with ".NUMBER.tmp" behind it; of a long one only as much as file systems take. */
PASSING void name_temporary(const place *p, int64_t number, char out[NAME_MAX + 1]) {
  char ending[32] = ".";
  size_t length = 1 + writer_format_int(ending + 1, number), name = strlen(p->name);
  memcpy(ending + length, ".tmp", 5);
  length += 4;
  name = name < NAME_MAX - length ? name : NAME_MAX - length;
  memcpy(out, p->name, name);
  memcpy(out + name, ending, length + 1);
}

static bool replace(const place *p, int64_t number, char *temporary, dump_file_fill fill, void *context) {
  name_temporary(p, number, temporary);
  unlinkat(p->directory, temporary, 0); /* it was left by a process of the same number that was killed */
  int fd = create(p, temporary, TO_WRITE);
  if (fd < 0)
    return false;
  bool done = fill(context, fd);
  int error = errno;
  if (close(fd) != 0 && done) {
    done = false;
    error = errno;
  }
  if (done && renameat(p->directory, temporary, p->directory, p->name) == 0)
    return true;
  error = done ? errno : error;
  unlinkat(p->directory, temporary, 0);
  errno = error;
  return false;
}

/* Locks the file, so that lines of several processes do not mix; it does not wait for a process that was
 * stopped with the lock. It does not use flock: the child of a fork in the middle of this would hold the lock
 * as well, and wait for itself. */
PASSING bool lock(int fd) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  for (int attempt = 0; fcntl(fd, F_SETLK, &whole); attempt++) {
    if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || attempt == LOCK_ATTEMPTS)
      return errno == ENOTSUP || errno == EINVAL || errno == ENOLCK; /* a file system has no locks */
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return true;
}

/* Returns whether it is a file of our own that has no other name: a second one could be that of a file that
 * is no time series. */
PASSING bool is_ours_alone(int fd) {
  struct stat s;
  bool alone = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() && s.st_nlink == 1;
  errno = alone ? errno : EPERM;
  return alone;
}

/* Ends a line that was left without an end, by a process that was killed in the middle of it, became another
 * program, or met a full disk. */
PASSING bool begin_line(int fd) {
  struct stat s;
  char last;
  return fstat(fd, &s) || s.st_size == 0 || pread(fd, &last, 1, s.st_size - 1) != 1 || last == '\n' ||
         write(fd, "\n", 1) == 1;
}

static bool dump_file_append(const place *p, dump_file_fill fill, void *context) {
  int flags = TO_APPEND | O_NOFOLLOW, fd = openat(p->directory, name_of(p), flags);
  if (fd < 0 && errno == ENOENT && (fd = create(p, p->name, TO_APPEND)) < 0 && errno == EEXIST)
    fd = openat(p->directory, p->name, flags);
  bool done = fd >= 0 && is_ours_alone(fd) && lock(fd) && begin_line(fd) && fill(context, fd);
  close_quietly(fd);
  return done;
}

bool dump_file_write(const char *path, char scratch[PATH_MAX], bool append_line, int64_t number,
                     dump_file_fill fill, void *context) {
  place p;
  int fd = -1;
  if (!open_place(path, scratch, &p))
    return false;
  bool done;
  if (open_special(&p, scratch, &fd)) {
    done = fd >= 0 && fill(context, fd);
    close_quietly(fd);
  } else {
    done = append_line ? dump_file_append(&p, fill, context) : replace(&p, number, scratch, fill, context);
  }
  close_quietly(p.directory);
  return done;
}
