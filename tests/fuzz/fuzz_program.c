/* The text files from which the doctor finds out what a command comes down to: the first byte of the input
 * says which one, the rest is its text: a script, or pyvenv.cfg, a .pth file or the package's METADATA of a
 * Python installation in a folder of the target's own. */
#include "fuzz.h"

#include "cli/program/program.h"
#include "cli/program/python.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITE "lib/python3.11/site-packages"

static const char *const files[] = {"script", "pyvenv.cfg", SITE "/some.pth",
                                    SITE "/pyarrow-1-info/METADATA"};
static char root[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at) {
  (void)status;
  (void)type;
  (void)at;
  return remove(path);
}

static void remove_all(void) { nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

static void write_file(const char *name, const void *data, size_t size) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", root, name);
  for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size)
    abort();
  close(fd);
}

static void make_installation(void) {
  strcpy(root, "/tmp/fuzz_program.XXXXXX");
  if (!mkdtemp(root))
    abort();
  atexit(remove_all);
  write_file("lib/python3.11/os.py", "", 0);
  write_file(SITE "/pyarrow/__init__.py", "", 0);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    write_file(files[i], "", 0);
}

/* Of the environment only that the user's home is here. */
static const char *lookup(void *context, const char *variable) {
  (void)context;
  return strcmp(variable, "HOME") == 0 ? root : NULL;
}

static void look(void) {
  static program p; /* both are large */
  static python found;
  memset(&p, 0, sizeof p);
  snprintf(p.path, sizeof p.path, "%s/bin/python3", root);
  strcpy(p.real, p.path);
  python_look(&p, lookup, NULL, root, &found);
  if (strnlen(found.version, sizeof found.version) == sizeof found.version ||
      strnlen(found.package_version, sizeof found.package_version) == sizeof found.package_version)
    abort();
}

static void follow(void) {
  static program p;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/script", root);
  if (!program_open((char *[]){path, NULL}, &p))
    program_close(&p);
  if (strnlen(p.path, sizeof p.path) == sizeof p.path || strnlen(p.via, sizeof p.via) == sizeof p.via)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size)
    return 0;
  if (!*root)
    make_installation();
  size_t file = data[0] % (sizeof files / sizeof *files);
  write_file(files[file], data + 1, size - 1);
  if (file == 0)
    follow();
  else
    look();
  if (file)
    write_file(files[file], "", 0);
  return 0;
}
