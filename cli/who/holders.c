/* Finds the socket of a process, and asks. Whoever answers may be anybody: the answer has a longest length
 * and a time limit, and is read as what it is. */
#include "cli/who/holders.h"

#include "base/writer.h"
#include "cli/base/cli.h"
#include "cli/base/memory.h"
#include "cli/stats/live_files.h"
#include "cli/stats/process_truth.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 30 /* seconds, until the next bytes of the answer; it looks for 2 s by itself */
#define LONGEST  ((size_t)256 << 20) /* bytes of an answer: 100,000 holders with long names have less */

/* ---- why there is none ---- */

/* Returns whether the process has mapped the package's module; true also where nobody may look. */
static bool has_package(const char *pid) {
  char path[64], line[PATH_MAX + 128];
  snprintf(path, sizeof path, "/proc/%s/maps", pid);
  FILE *maps = fopen(path, "re");
  bool seen = false, found = false;
  while (maps && !found && fgets(line, sizeof line, maps)) {
    seen = true;
    found = strstr(line, "/arrowpool/_library.") != NULL;
  }
  if (maps)
    fclose(maps);
  return found || !seen;
}

static int not_served(const char *pid, const char *directory) {
  char text[PROCESS_TRUTH_BYTES];
  const char *truth = process_truth_of(pid, text);
  if (truth)
    return cli_failure("who: --holders: %s: %s", pid, truth);
  if (!has_package(pid))
    return cli_failure("who: --holders: %s: has not loaded the Python package arrowpool", pid);
  if (directory)
    return cli_failure("who: --holders: %s: does not answer in %s: is it started with "
                       "ARROW_POOL_HOLDERS=DIR, or does it call arrowpool.serve_holders(DIR)?",
                       pid, directory);
  return cli_failure(
      "who: --holders: %s: is not known to answer: start it with ARROW_POOL_HOLDERS=DIR, or say "
      "where it does with --holders=DIR",
      pid);
}

/* ---- to ask ---- */

/* Connects to the socket of that name in a directory; errno says why not. A socket's path has at most 107
 * bytes, so it goes by the open directory. */
static int connect_in(const char *directory, const char *name) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = PATIENCE};
  int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = at >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/%s", at, name);
  bool connected = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                   connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
  int error = errno;
  if (at >= 0)
    close(at);
  if (fd >= 0 && !connected)
    close(fd);
  errno = error;
  return connected ? fd : -1;
}

/* Reads until the other end closes. Returns what was read, which the caller frees; NULL: errno says why. */
static char *receive_all(int fd, size_t *length) {
  size_t room = 0;
  char *text = NULL;
  *length = 0;
  for (;;) {
    if (*length == room) {
      room = room ? 2 * room : 64 << 10;
      text = memory_grow(text, room, 1);
    }
    ssize_t more = recv(fd, text + *length, room - *length, 0);
    if (more == 0)
      return text;
    if (more > 0)
      *length += (size_t)more;
    if (*length > LONGEST)
      errno = EMSGSIZE;
    if (more < 0 || *length > LONGEST) {
      free(text);
      return NULL;
    }
  }
}

/* Asks at a socket. Returns the answer; NULL behind a message. */
static json_t *converse(int fd, const char *pid) {
  static const char request[] = "{\"protocol\": 1}\n";
  size_t length;
  char *text = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0 ? NULL : receive_all(fd, &length);
  if (!text) {
    const char *problem = errno == EAGAIN ? "takes too long to answer" : strerror(errno);
    cli_failure("who: --holders: %s: %s", pid, problem);
    return NULL;
  }
  json_t *answer = json_loadb(text, length, 0, NULL);
  const char *error = json_string_value(json_object_get(answer, "error"));
  char said[256];
  if (error) {
    snprintf(said, sizeof said, "%s", error);
    writer_make_printable(said);
    cli_failure("who: --holders: %s: says: %s", pid, said);
  } else if (!length) {
    cli_failure("who: --holders: %s: refuses to answer: it is another user's", pid);
  } else if (json_integer_value(json_object_get(answer, "protocol")) != 1 ||
             !json_is_array(json_object_get(answer, "holders"))) {
    cli_failure("who: --holders: %s: gives no answer of protocol 1", pid);
  } else {
    free(text);
    return answer;
  }
  free(text);
  json_decref(answer);
  return NULL;
}

int who_holders(const char *pid, const char *directory, bool json) {
  char theirs[PATH_MAX], name[64];
  if (!directory)
    directory = live_files_directory_by(OPTIONS_PREFIX "_HOLDERS", pid, theirs, sizeof theirs);
  if (!directory)
    return not_served(pid, NULL);
  snprintf(name, sizeof name, "holders-%lld.sock", atoll(pid));
  int fd = connect_in(directory, name);
  if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
    return not_served(pid, directory);
  if (fd < 0)
    return cli_failure("who: --holders: %s: %s/%s: %s", pid, directory, name, strerror(errno));
  json_t *answer = converse(fd, pid);
  close(fd);
  if (!answer)
    return CLI_FAILURE;
  if (!json)
    who_write_holders(stdout, answer);
  else if (json_dumpf(answer, stdout, JSON_INDENT(2)) == 0)
    putchar('\n');
  json_decref(answer);
  return fflush(stdout) == 0 && !ferror(stdout) ? CLI_OK : CLI_FAILURE;
}
