/* Stands in for a program of another processor: called as FILE it becomes the emulator that runs
 * FILE.foreign, with the same arguments and under the same name. Linked statically, so that an LD_PRELOAD
 * that is meant for that program does nothing here; and a program that starts another, or itself, by such a
 * name has it emulated as well. scripts/lib/emulation.sh makes it, and defines EMULATOR and SYSROOT.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments) {
  char self[PATH_MAX], program[PATH_MAX + sizeof ".foreign"];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  char *const emulated[] = {EMULATOR, "-L", SYSROOT, "-0", arguments[0], program};
  const size_t words = sizeof emulated / sizeof *emulated;
  char **command = calloc(words + (size_t)count, sizeof *command);
  if (length < 0 || count < 1 || !command)
    return 125;
  snprintf(program, sizeof program, "%.*s.foreign", (int)length, self);
  memcpy(command, emulated, sizeof emulated);
  memcpy(command + words, arguments + 1, (size_t)count * sizeof *command);
  execv(EMULATOR, command);
  perror(EMULATOR);
  return 125;
}
