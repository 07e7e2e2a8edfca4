/* `arrowpool attach` has a process that runs load the library and install itself, and may have it stop again.
 */
#include "cli/attach/call.h"
#include "cli/attach/judge.h"
#include "cli/base/flags.h"
#include "cli/doctor/doctor.h"
#include "cli/program/run_options.h"
#include "cli/stats/live_files.h"

#include "arrowpool.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

void cli_attach_describe(void) {
  puts("Loads arrowpool's library into the running process PID, of the same user, and has it serve Arrow's\n"
       "pools from then on; libc's functions, and buffers that are there already, stay as they are. One\n"
       "thread of the process is stopped for less than a millisecond, where it waits for something. If it\n"
       "cannot be, one line says why, and the process is as it was.\n"
       "--pool is jemalloc unless given here or in the environment. Relative paths count from here.\n\n"
       "  --dry-run      say what would happen, as `arrowpool doctor PID` does, and touch nothing\n"
       "  --for=TIME     after that time, or Ctrl-C, leave new requests to Arrow again; with --profile, say\n"
       "                 then who holds what was allocated meanwhile, as `arrowpool who PID` does\n"
       "  -v, --verbose  as --log=info: the process says on its stderr what is served");
  run_options_describe();
  puts("\nStatus: 0 if it is served, or would be; 1 if not; 2 for a wrong usage.");
}

/* ---- options ---- */

enum { DRY_RUN = 'd', FOR = 'f' };

typedef struct attach_wish {
  const char *pid;
  bool dry_run;
  int64_t milliseconds; /* 0: for good */
  const char *given[OPTION_COUNT];
} attach_wish;

#define FOR_VALUES "a duration from 1s to 24h, such as 60s or 5m"
enum { SHORTEST_FOR = 1000, LONGEST_FOR = 24 * 3600 * 1000 };

static int take_option(int id, attach_wish *out) {
  if (id == DRY_RUN)
    out->dry_run = true;
  else if (id == FOR && (!cli_parse_time(optarg, &out->milliseconds) || out->milliseconds < SHORTEST_FOR ||
                         out->milliseconds > LONGEST_FOR))
    return flags_refuse(id, optarg);
  return id == DRY_RUN || id == FOR ? CLI_OK : run_options_take(id, out->given);
}

static int attach_read_options(int argc, char **argv, attach_wish *out) {
  static flag flags[OPTION_COUNT + 3] = {[OPTION_COUNT] = FLAG_LETTER("verbose", 'v', NULL),
                                         FLAG_ALONE("dry-run", DRY_RUN),
                                         FLAG_VALUE("for", FOR, FOR_VALUES)};
  run_options_declare(flags);
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;)
    if (id == '?' || take_option(id, out) != CLI_OK)
      return CLI_USAGE;
  if (optind == argc)
    return flags_missing("no PID given");
  if (optind + 1 != argc)
    return flags_unexpected(argv[optind + 1], "attach takes one PID");
  out->pid = argv[optind];
  if (!live_files_is_pid(out->pid))
    return cli_usage_error("attach: %s: choose the number of a process", out->pid);
  return CLI_OK;
}

/* Returns the value as another process has to have it, whose directory is another. */
static const char *value_there(const options_row *row, const char *value, char out[2 * PATH_MAX]) {
  bool is_path = row->kind == OPTIONS_DIRECTORY || row->kind == OPTIONS_DESTINATION;
  bool is_word =
      strcmp(value, "off") == 0 || (row->kind == OPTIONS_DESTINATION && strcmp(value, "stderr") == 0);
  char here[PATH_MAX];
  if (!is_path || is_word || *value == '/' || !getcwd(here, sizeof here))
    return value;
  snprintf(out, 2 * PATH_MAX, "%s/%s", here, value);
  return out;
}

/* Writes all settings as arrowpool_install takes them, and returns their size. The caller frees them. */
static char *write_settings(size_t *size) {
  char *text = NULL, name[32], path[2 * PATH_MAX];
  FILE *stream = open_memstream(&text, size);
  for (const options_row *row = options_table; stream && row < options_table + OPTION_COUNT; row++) {
    const char *value = getenv(row->variable);
    cli_flag_name(row, name);
    if (value && *value)
      fprintf(stream, "%s=%s%c", name, value_there(row, value, path), 0);
  }
  if (stream) {
    fputc(0, stream);
    fclose(stream);
  }
  return text;
}

/* ---- doing it ---- */

/* Takes the process for us: no second command attaches meanwhile. The lock goes with this program. */
static bool lock_process(long pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/status", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static int attach_refuse(const attach_wish *w, const char *text, const char *advice) {
  return cli_failure("attach: %s: %s%s%s", w->pid, text, advice ? "; " : "", advice ? advice : "");
}

/* Says the first problem. */
static int refuse_by(const attach_wish *w, const findings *found) {
  for (size_t i = 0; i < found->count; i++)
    if (found->all[i].level == FINDING_PROBLEM)
      return attach_refuse(w, found->all[i].text, found->all[i].advice);
  return CLI_OK;
}

static int attach_install(const attach_wish *w, const subject *s, const call *c) {
  char text[CALL_TEXT_BYTES] = "";
  int status = 0;
  if (!call_make(s, c, &status, text))
    return attach_refuse(w, text, NULL);
  if (status != ARROWPOOL_OK)
    return attach_refuse(w, *text ? text : "it could not be installed", NULL);
  printf("arrowpool: process %s: Arrow's pools are served from now on%s%s\n", w->pid, *text ? "; " : "",
         text);
  return fflush(stdout) ? CLI_FAILURE : CLI_OK;
}

/* ---- for some time ---- */

static volatile sig_atomic_t asked_to_end;

static void end_early(int number) {
  (void)number;
  asked_to_end = 1;
}

static void wait_for(int64_t milliseconds) {
  struct sigaction action = {.sa_handler = end_early};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  for (int64_t end = clock_milliseconds() + milliseconds; !asked_to_end && clock_milliseconds() < end;)
    nanosleep(&(struct timespec){0, 50000000}, NULL);
}

/* Becomes `arrowpool who PID`. */
static int show_who(const attach_wish *w) {
  execl("/proc/self/exe", "arrowpool", "who", w->pid, (char *)NULL);
  return cli_failure("attach: who: %s", strerror(errno));
}

static int attach_for(const attach_wish *w, const call *installed) {
  subject s;
  call c = {installed->library, "arrowpool_uninstall", "", 1 /* NUL */};
  char text[CALL_TEXT_BYTES] = "";
  int status = 0;
  wait_for(w->milliseconds);
  const char *problem = subject_read(strtol(w->pid, NULL, 10), &s);
  bool made = !problem && call_make(&s, &c, &status, text);
  subject_free(&s);
  if (!made)
    return attach_refuse(w, problem ? problem : text, NULL);
  puts("arrowpool: new requests are Arrow's own again");
  fflush(stdout);
  return w->given[OPTION_PROFILE] ? show_who(w) : CLI_OK;
}

static int attach_to(const attach_wish *w, target *p) {
  static subject s; /* it is static because it is large */
  char path[PATH_MAX] = "";
  size_t size = 0;
  char *settings = write_settings(&size);
  call c = {path, "arrowpool_install", settings, size};
  judge_process(p, &s, path);
  const char *problem = findings_have(&p->found, FINDING_PROBLEM) ? NULL : call_judge(&s, &c);
  if (problem)
    findings_add(&p->found, FINDING_PROBLEM, "process", NULL, "%s", problem);
  int status;
  if (w->dry_run)
    status = findings_print_text(&p->found, 0) && !findings_have(&p->found, FINDING_PROBLEM) ? CLI_OK
                                                                                             : CLI_FAILURE;
  else if ((status = refuse_by(w, &p->found)) == CLI_OK)
    status = lock_process(p->pid) ? attach_install(w, &s, &c)
                                  : attach_refuse(w, "another arrowpool attach is at it", NULL);
  subject_free(&s);
  if (status == CLI_OK && w->milliseconds && !w->dry_run)
    status = attach_for(w, &c);
  free(settings);
  return status;
}

int cli_attach(int argc, char **argv) {
  static target looked_at; /* it is static because it is large */
  attach_wish wish = {0};
  const char *pool = getenv(OPTIONS_PREFIX);
  if (!pool || !*pool)
    setenv(OPTIONS_PREFIX, "jemalloc", 1);
  int status = attach_read_options(argc, argv, &wish);
  if (status == CLI_OK)
    status = run_options_check(wish.given);
  if (status != CLI_OK)
    return status;
  if (wish.given[OPTION_LIBRARIES])
    return cli_usage_error(
        "attach: --libraries: they have pools of their own only where arrowpool is preloaded");
  unsetenv(options_table[OPTION_LIBRARIES].variable);
  looked_at.pid = strtol(wish.pid, NULL, 10);
  looked_at.environment = environ;
  doctor_settings(&looked_at);
  options_value *hooks = &looked_at.settings.values[OPTION_HOOKS];
  if (!(hooks->number & OPTIONS_HOOK_ARROW_VTABLE))
    return cli_usage_error(
        "%s=%s: a process that runs has no hook but arrow_vtable: choose all, or a list that has it",
        wish.given[OPTION_HOOKS] ? "--hooks" : options_table[OPTION_HOOKS].variable,
        getenv(options_table[OPTION_HOOKS].variable));
  hooks->number = OPTIONS_HOOK_ARROW_VTABLE;
  looked_at.environment = NULL;
  status = attach_to(&wish, &looked_at);
  findings_free(&looked_at.found);
  return status;
}
