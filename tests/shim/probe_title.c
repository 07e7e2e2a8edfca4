/* A program that sets its title as setproctitle does: its environment is copied away, and the title is
 * written over the memory that its arguments and its environment were in. Before and after it a buffer of
 * 1000 bytes is made, by a forked child as well.
 *
 *     probe_title          all of the old memory becomes the title
 *     probe_title wait     the same, then "ready" is printed and a line of stdin waited for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void use_memory(void) {
  void *buffer;
  if (posix_memalign(&buffer, 64, 1000))
    abort();
  free(buffer);
}

static char *skip(char *end, char *text) { return text == end ? text + strlen(text) + 1 : end; }

static void set_title(char **argv) {
  char *begin = argv[0], *end = argv[0], **copy;
  size_t count = 0;
  for (char **at = argv; *at; at++)
    end = skip(end, *at);
  while (environ[count])
    count++;
  copy = calloc(count + 1, sizeof *copy);
  if (!copy)
    abort();
  for (size_t i = 0; i < count; i++) {
    copy[i] = strdup(environ[i]);
    end = skip(end, environ[i]);
  }
  environ = copy;
  memset(begin, 0, (size_t)(end - begin));
  for (char *at = begin; end - at > 20; at += 6)
    memcpy(at, "GET/x ", 6);
}

int main(int argc, char **argv) {
  int waits = argc > 1 && strcmp(argv[1], "wait") == 0, status;
  use_memory();
  set_title(argv);
  use_memory();
  pid_t child = fork();
  if (child == 0) {
    use_memory();
    _exit(0);
  }
  if (child < 0 || waitpid(child, &status, 0) < 0 || status)
    abort();
  if (waits) {
    char line[16];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
      return 1;
  }
  return 0;
}
