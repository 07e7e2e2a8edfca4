/* `arrowpool serve` reads its arguments, then the live files again and again, and publishes what they say.
 * One thread reads; what clients do has no influence on how often. Signals are blocked and waited for. */
#include "cli/serve/serve.h"

#include "base/clock.h"
#include "cli/base/flags.h"
#include "cli/stats/live_files.h"
#include "cli/stats/merge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST         2000
#define LARGEST_MOST 1000000

void cli_serve_describe(void) {
  puts("Publishes what the processes below a directory of live files count, for Prometheus: over HTTP, as "
       "files for\n"
       "node_exporter, or both. Ends at SIGTERM, SIGINT and SIGHUP.\n\n"
       "  --live=DIR             where live files are, at any depth; default: ARROW_POOL_LIVE of this "
       "environment;\n"
       "                         it is waited for\n"
       "  --listen=ADDRESS       answer at http://ADDRESS/metrics: PORT or :PORT of 127.0.0.1, ADDRESS:PORT "
       "or\n"
       "                         [IPV6]:PORT; port 0: any that is free\n"
       "  --textfile=DIR         keep .prom files there, which all who can read DIR can read\n"
       "  --by=KEY,...           sums by pool, name, host or program, or several; default: each process "
       "for itself\n"
       "  --refresh=TIME         time between readings, from 100ms to 1h; default: 1s\n"
       "  --most=N               read so many running processes; default: 2000\n"
       "  --profile-top=N        the N lines of Python that hold most, of each process that keeps a profile; "
       "from 0\n"
       "                         to 50, default: 0; without --by\n"
       "  --remove-after=TIME    remove live files of processes that have been gone for so long\n"
       "  --once                 write the files of --textfile once, and leave them there");
}

typedef struct settings {
  serve_files files;
  const char *live, *listen, *textfile;
  serve_address address;
  int64_t refresh; /* milliseconds */
  bool once;
} settings;

/* ---- options ---- */

#define TEXT_OF(number)   #number
#define DIGITS_OF(number) TEXT_OF(number)

static const flag serve_flags[] = {
    FLAG_VALUE("live", 'v', "a directory"),
    FLAG_VALUE("listen", 'l', "PORT, ADDRESS:PORT or [IPV6]:PORT, in numbers, with a port up to 65535"),
    FLAG_VALUE("textfile", 't', "a directory"),
    FLAG_VALUE("by", 'b', "pool, name, host or program, or several of them with commas"),
    FLAG_VALUE("refresh", 'r', CLI_REFRESH_VALUES),
    FLAG_VALUE("most", 'm', "a number from 1 to " DIGITS_OF(LARGEST_MOST)),
    FLAG_VALUE("profile-top", 'p', "a number from 0 to " DIGITS_OF(SERVE_MOST_LINES)),
    FLAG_VALUE("remove-after", 'a', "a duration such as 30s, 10m or 24h"),
    FLAG_ALONE("once", 'o')};

static bool parse_profile_top(const char *text, size_t *out) {
  *out = 0;
  return strcmp(text, "0") == 0 || cli_parse_number(text, SERVE_MOST_LINES, out);
}

static bool parse_listen(const char *text, settings *out) {
  out->listen = text;
  return serve_address_parse(text, &out->address);
}

static bool set(settings *out, int id, const char *text) {
  switch (id) {
  case 'v':
    out->live = text;
    return true;
  case 'l':
    return parse_listen(text, out);
  case 't':
    out->textfile = text;
    return true;
  case 'b':
    return merge_parse_by(text, MERGE_POOL | MERGE_NAME | MERGE_HOST | MERGE_PROGRAM, &out->files.by);
  case 'r':
    return cli_parse_refresh(text, &out->refresh);
  case 'm':
    return cli_parse_number(text, LARGEST_MOST, &out->files.most);
  case 'p':
    return parse_profile_top(text, &out->files.lines);
  case 'a':
    return cli_parse_time(text, &out->files.remove_after);
  default:
    out->once = true;
    return true;
  }
}

static int serve_read_options(int argc, char **argv, settings *out) {
  FLAGS_DECLARE(serve_flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (!set(out, id, optarg))
      return flags_refuse(id, optarg);
  }
  if (optind < argc)
    return flags_unexpected(argv[optind], "serve takes options only, such as --live=DIR and --listen=PORT");
  if (!out->listen && !out->textfile)
    return flags_missing("no --listen and no --textfile given");
  if (out->once && (out->listen || !out->textfile))
    return cli_usage_error("serve: --once: only with --textfile, without --listen");
  if (out->files.lines && out->files.by)
    return cli_usage_error("serve: --profile-top: only without --by");
  return CLI_OK;
}

static int choose_directory(settings *s) {
  s->files.directory = s->live ? s->live : live_files_directory(NULL, NULL, 0);
  if (!s->files.directory)
    return flags_missing("no --live=DIR given, and ARROW_POOL_LIVE is not set");
  if (live_files_can_read(s->files.directory))
    return CLI_OK;
  s->files.waits = errno == ENOENT && *s->files.directory && !s->once;
  int status = cli_failure("serve: --live=%s: %s%s", s->files.directory, strerror(errno),
                           s->files.waits ? "; it is waited for" : "");
  return s->files.waits ? CLI_OK : status;
}

/* ---- running ---- */

/* Reads and publishes once. Returns false if a file could not be written. */
static bool refresh(settings *s) {
  serve_files_read(&s->files);
  if (s->listen) {
    serve_page page = {0};
    serve_tables tables;
    serve_http_counts counts = serve_http_read_counts();
    serve_tables_init(&tables);
    serve_files_add_up(&s->files, &tables);
    serve_page_write_tables(&page, &tables);
    serve_page_write_own(&page, &s->files, &tables, &counts);
    serve_http_publish(&page);
    serve_tables_clear(&tables);
  }
  return !s->textfile || serve_textfile_write(&s->files);
}

/* Waits for a signal of `ends`, looking after connections meanwhile. Returns whether it came. */
static bool wait_until(int64_t moment, const sigset_t *ends) {
  for (int64_t left; (left = moment - clock_milliseconds()) > 0;) {
    struct timespec part = {.tv_sec = left >= 1000, .tv_nsec = left >= 1000 ? 0 : left * 1000000};
    if (sigtimedwait(ends, NULL, &part) > 0)
      return true;
    serve_http_end_slow();
  }
  return sigtimedwait(ends, NULL, &(struct timespec){0}) > 0;
}

/* Reading takes at most half of the time, however many files there are. */
static void loop(settings *s, const sigset_t *ends) {
  for (int64_t next = clock_milliseconds() + s->refresh; !wait_until(next, ends);) {
    int64_t start = clock_milliseconds();
    refresh(s);
    int64_t least = 2 * (clock_milliseconds() - start);
    next = start + (least > s->refresh ? least : s->refresh);
  }
}

static int run(settings *s) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGHUP);
  sigprocmask(SIG_BLOCK, &ends, NULL); /* it comes before there is a second thread */
  int status = s->textfile ? serve_textfile_start(s->textfile) : CLI_OK;
  if (status == CLI_OK && s->listen)
    status = serve_http_start(&s->address, s->listen);
  if (status != CLI_OK)
    return status;
  bool written = refresh(s);
  if (s->once)
    return written ? CLI_OK : CLI_FAILURE;
  if (s->listen)
    serve_http_announce();
  else
    cli_failure("serve: %s", s->textfile); /* it is said as failures are, and is none */
  loop(s, &ends);
  return CLI_OK;
}

int cli_serve(int argc, char **argv) {
  settings s = {.files = {.most = MOST, .remove_after = -1}, .refresh = 1000};
  int status = serve_read_options(argc, argv, &s);
  if (status == CLI_OK)
    status = choose_directory(&s);
  if (status != CLI_OK)
    return status;
  status = run(&s);
  serve_http_stop();
  serve_textfile_stop(!s.once);
  serve_files_free(&s.files);
  return status;
}
