/* `arrowpool record` reads live files again and again, and appends what each process counts to a file, a line
 * of JSON for each: time series, as a process writes them itself with ARROW_POOL_STATS_INTERVAL. Of a process
 * that is gone the last figures are written once. Lines are appended as a whole, up to a size. */
#include "base/clock.h"
#include "base/live_name.h"
#include "cli/base/find_files.h"
#include "cli/base/flags.h"
#include "cli/base/memory.h"
#include "cli/stats/live_files.h"
#include "cli/stats/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void cli_record_describe(void) {
  puts("Reads the live files below DIR (default: ARROW_POOL_LIVE of this environment, and it is waited for) "
       "again and\n"
       "again, and appends a line of JSON for each process. Ends at SIGTERM, SIGINT and SIGHUP, with status "
       "0.\n\n"
       "  -o, --output=FILE  where to, such as FILE.jsonl; for arrowpool plot\n"
       "  --interval=TIME    time between readings, from 100ms to 1h; default: 1s\n"
       "  --for=TIME         end after that time; default: at a signal\n"
       "  --most=SIZE        end before FILE is larger than that; default: 1GiB");
}

typedef struct record {
  const char *directory, *output;
  int64_t interval, lasts; /* milliseconds; lasts 0: until a signal */
  int64_t most;            /* bytes */
  int fd;
  int64_t size;
  FILE *lines; /* of the reading; into `text` */
  char *text;
  size_t length;
  void *gone; /* a tree of the files whose processes were gone when they were written */
} record;

/* ---- a reading ---- */

static int write_to_lines(void *lines, const char *text, size_t size) {
  return fwrite(text, 1, size, lines) == size ? 0 : 1;
}

static int by_path(const void *a, const void *b) { return strcmp(a, b); }

static void record_file(void *context, const char *path, bool named) {
  record *r = context;
  stats f;
  writer w;
  const char *name = strrchr(path, '/');
  if (named || !live_name_is(name ? name + 1 : path, NULL) || tfind(path, &r->gone, by_path) ||
      stats_read_live(path, &f))
    return;
  report_subject subject = stats_subject(&f);
  writer_init(&w, write_to_lines, r->lines);
  report_json(&w, &subject);
  writer_finish(&w);
  if (f.state != STATS_RUNNING && f.state != STATS_UNKNOWN && !tsearch(memory_copy(path), &r->gone, by_path))
    memory_lacking();
  stats_free(&f);
}

static void pass_over(void *context, const char *path, const char *problem) {
  (void)context, (void)path, (void)problem;
}

/* Appends the text. A part of a line, for which there was no room, is taken off again. */
static int append(record *r) {
  size_t done = 0;
  while (done < r->length) {
    ssize_t wrote = write(r->fd, r->text + done, r->length - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0) {
      int error = errno;
      if (ftruncate(r->fd, r->size))
        error = errno;
      return cli_failure("record: %s: %s", r->output, strerror(error));
    }
    done += (size_t)wrote;
  }
  r->size += (int64_t)done;
  return CLI_OK;
}

/* Reads and writes once. `*full` says that there was no room for it. */
static int record_once(record *r, bool *full) {
  r->lines = open_memstream(&r->text, &r->length);
  if (!r->lines)
    memory_lacking();
  find_files(r->directory, record_file, pass_over, r);
  if (fclose(r->lines))
    memory_lacking();
  *full = r->size + (int64_t)r->length > r->most;
  int status = *full ? CLI_OK : append(r);
  free(r->text);
  return status;
}

/* ---- the loop ---- */

static bool wait_for_signal(int64_t moment, const sigset_t *ends) {
  int64_t left = moment - clock_milliseconds();
  struct timespec wait = {.tv_sec = left > 0 ? left / 1000 : 0,
                          .tv_nsec = left > 0 ? left % 1000 * 1000000 : 0};
  return sigtimedwait(ends, NULL, &wait) > 0;
}

static int record_all(record *r) {
  sigset_t ends;
  int64_t start = clock_milliseconds();
  bool full = false;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGHUP);
  sigprocmask(SIG_BLOCK, &ends, NULL);
  for (int64_t next = start;;) {
    int status = record_once(r, &full);
    if (status != CLI_OK)
      return status;
    if (full) {
      cli_failure("record: %s: ended, since it would be larger than --most",
                  r->output); /* said so; it is none */
      return CLI_OK;
    }
    int64_t now = clock_milliseconds(), least = 2 * (now - next);
    next += least > r->interval ? least : r->interval; /* reading takes half of the time at most */
    if (r->lasts && next - start > r->lasts)
      return CLI_OK;
    if (wait_for_signal(next, &ends))
      return CLI_OK;
    next = clock_milliseconds();
  }
}

/* Opens the file. One that ends within a line, as after a crash, goes on with the next. */
static int open_output(record *r) {
  struct stat status;
  char last = '\n';
  r->fd = open(r->output, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  if (r->fd < 0 || fstat(r->fd, &status))
    return cli_failure("record: %s: %s", r->output, strerror(errno));
  if (!S_ISREG(status.st_mode))
    return cli_failure("record: %s: it is no file", r->output);
  r->size = status.st_size;
  if (r->size && pread(r->fd, &last, 1, r->size - 1) == 1 && last != '\n') {
    r->text = (char[]){'\n'};
    r->length = 1;
    return append(r);
  }
  return CLI_OK;
}

/* ---- arguments ---- */

static bool parse_most(const char *text, int64_t *out) {
  options_value value;
  if (!options_parse(&options_table[OPTION_LIMIT], text, &value) || value.number <= 0)
    return false;
  *out = value.number;
  return true;
}

static bool set(record *r, int id, const char *text) {
  switch (id) {
  case 'o':
    r->output = text;
    return true;
  case 'i':
    return cli_parse_refresh(text, &r->interval);
  case 'f':
    return cli_parse_time(text, &r->lasts) && r->lasts;
  default:
    return parse_most(text, &r->most);
  }
}

static int record_read_options(int argc, char **argv, record *r) {
  static const flag flags[] = {FLAG_LETTER("output", 'o', "a file, such as FILE.jsonl"),
                               FLAG_VALUE("interval", 'i', CLI_REFRESH_VALUES),
                               FLAG_VALUE("for", 'f', "a duration such as 30s, 10m or 24h"),
                               FLAG_VALUE("most", 'm', "bytes such as 512M or 8GiB")};
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (!set(r, id, optarg))
      return flags_refuse(id, optarg);
  }
  if (optind + 1 < argc)
    return flags_unexpected(argv[optind + 1], "record takes one DIR");
  if (!r->output)
    return flags_missing("no -o FILE.jsonl given");
  r->directory = optind < argc ? argv[optind] : live_files_directory(NULL, NULL, 0);
  if (!r->directory)
    return flags_missing("no directory given, and ARROW_POOL_LIVE is not set");
  if (live_files_can_read(r->directory) || (errno == ENOENT && *r->directory))
    return CLI_OK;
  return cli_failure("record: %s: %s", r->directory, strerror(errno));
}

int cli_record(int argc, char **argv) {
  record r = {.interval = 1000, .most = INT64_C(1) << 30};
  int status = record_read_options(argc, argv, &r);
  if (status == CLI_OK)
    status = open_output(&r);
  if (status == CLI_OK)
    status = record_all(&r);
  tdestroy(r.gone, free);
  if (r.fd > 0)
    close(r.fd);
  return status;
}
