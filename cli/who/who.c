/* `arrowpool who` says who holds the memory, from the profiles of processes. */
#include "cli/who/who.h"

#include "cli/base/cli.h"
#include "cli/stats/live_files.h"
#include "cli/who/holders.h"
#include "cli/who/output.h"
#include "cli/who/sources.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_who_describe(void) {
  puts("Says which lines of Python hold Arrow's memory, from the sampled profiles of processes: PID of a\n"
       "running one that keeps a profile, the FILE itself, also of a process that was killed, or all in a\n"
       "DIR, at any depth. Several are one picture. live is what lives, total all that was ever allocated,\n"
       "and peak what lived when most did. The figures are estimates, with their standard error.\n"
       "`arrowpool profile` is the same.\n"
       "\n"
       "  --what=FIELD        live, total or peak; default: live\n"
       "  --by=FIELD          line, function, native, pool or thread; default: line\n"
       "  --older-than=TIME   only live buffers of that age, such as 30s, 10m or 2h\n"
       "  --at-least=PERCENT  only rows with that share, such as 1%; default as text: 1%, or the first ten,\n"
       "                      otherwise all\n"
       "  --minus=FILE        less what an earlier copy of a profile has, or that of another run: what grew\n"
       "  --format=FORMAT     text, json, folded, speedscope, pprof or html; default: text\n"
       "  -o, --output=FILE   write there; pprof needs it on a terminal\n"
       "  --profile=DIR       where profiles of a PID are; default: what a running process says, or\n"
       "                      ARROW_POOL_PROFILE of this environment\n"
       "  --holders[=DIR]     ask the process PID which of its variables keep what memory alive, if it\n"
       "                      loaded the Python package, at its socket in DIR; default: as\n"
       "                      ARROW_POOL_HOLDERS says, here or there. Of the other options only --format\n"
       "                      goes with it, as text or json");
}

static const char *const format_names[] = {"text", "json", "folded", "speedscope", "pprof", "html"};
static const who_write formats[] = {who_write_text,       who_write_json,  who_write_folded,
                                    who_write_speedscope, who_write_pprof, who_write_html};
enum { FORMATS = sizeof formats / sizeof *formats };

typedef struct settings {
  who_model model; /* with what was chosen of it */
  int format;      /* number of it */
  const char *output, *directory, *minus;
  bool shares_chosen;
  bool holders; /* they are asked for, of which `holders_directory` may have the socket */
  const char *holders_directory;
} settings;

/* ---- options ---- */

static int choose(const char *option, const char *const words[], size_t count, const char *choices,
                  const char *text, int *out) {
  int found = cli_find_word(words, count, text);
  if (found < 0)
    return cli_usage_error("who: %s=%s: choose %s", option, text, choices);
  *out = found;
  return CLI_OK;
}

static int parse_age(const char *text, int64_t *out) {
  if (cli_parse_time(text, out) && *out > 0)
    return CLI_OK;
  return cli_usage_error("who: --older-than=%s: choose a duration above 0, such as 30s, 10m or 2h", text);
}

static int parse_share(const char *text, double *out) {
  char *end;
  double percent = strtod(text, &end);
  bool plain = end != text && strspn(text, "0123456789.") == (size_t)(end - text);
  if (plain && percent <= 100 && (!*end || strcmp(end, "%") == 0)) {
    *out = percent / 100;
    return CLI_OK;
  }
  return cli_usage_error("who: --at-least=%s: choose a percentage from 0%% to 100%%, such as 1%%", text);
}

static int who_read_option(int id, char **argv, settings *out) {
  int chosen = 0, status = CLI_OK;
  switch (id) {
  case 'w':
    status = choose("--what", who_what_names, WHO_WHATS, "live, total or peak", optarg, &chosen);
    out->model.what = (who_what)chosen;
    return status;
  case 'b':
    status = choose("--by", who_by_names, WHO_BYS, "line, function, native, pool or thread", optarg, &chosen);
    out->model.by = (who_by)chosen;
    return status;
  case 'f':
    return choose("--format", format_names, FORMATS, "text, json, folded, speedscope, pprof or html", optarg,
                  &out->format);
  case 'a':
    return parse_age(optarg, &out->model.older_than);
  case 's':
    out->shares_chosen = true;
    return parse_share(optarg, &out->model.at_least);
  case 'm':
    out->minus = optarg;
    return CLI_OK;
  case 'p':
    out->directory = *optarg ? optarg : NULL;
    return CLI_OK;
  case 'h':
    out->holders = true;
    out->holders_directory = optarg && *optarg ? optarg : NULL;
    return CLI_OK;
  case 'o':
    out->output = optarg;
    return CLI_OK;
  default:
    return cli_option_error("who", id, argv);
  }
}

/* Judges the options that come with --holders. */
static int check_holders(const settings *s, int arguments, const char *argument) {
  const who_model *m = &s->model;
  if (arguments != 1 || !live_files_is_pid(argument))
    return cli_usage_error("who: --holders: choose one PID, of a running process");
  if (m->what || m->by || m->older_than || s->shares_chosen || s->minus || s->directory || s->output)
    return cli_usage_error("who: --holders: of the other options only --format goes with it");
  if (formats[s->format] != who_write_text && formats[s->format] != who_write_json)
    return cli_usage_error("who: --holders: --format=%s: choose text or json", format_names[s->format]);
  return CLI_OK;
}

/* Judges the options together. */
static int check_options(settings *s, int arguments) {
  const char *what = who_what_names[s->model.what];
  if (!arguments)
    return cli_usage_error("who: no PID, FILE or DIR given; see arrowpool who --help");
  if (s->model.what != WHO_LIVE && s->model.older_than)
    return cli_usage_error("who: --older-than: only the age of live buffers is known, not with --what=%s",
                           what);
  if (s->model.what != WHO_LIVE && s->model.by == WHO_BY_THREAD)
    return cli_usage_error("who: --by=thread: only threads of live buffers are known, not with --what=%s",
                           what);
  if (formats[s->format] == who_write_pprof && !s->output && isatty(STDOUT_FILENO))
    return cli_usage_error("who: --format=pprof: no text for a terminal; choose a file by -o FILE");
  if (!s->shares_chosen && formats[s->format] == who_write_text) {
    s->model.at_least = 0.01;
    s->model.least_rows = 10;
  }
  return CLI_OK;
}

static int who_read_options(int argc, char **argv, settings *out) {
  static const struct option longs[] = {
      {"what", required_argument, NULL, 'w'},       {"by", required_argument, NULL, 'b'},
      {"older-than", required_argument, NULL, 'a'}, {"at-least", required_argument, NULL, 's'},
      {"minus", required_argument, NULL, 'm'},      {"format", required_argument, NULL, 'f'},
      {"output", required_argument, NULL, 'o'},     {"holders", optional_argument, NULL, 'h'},
      {"profile", required_argument, NULL, 'p'},    {0}};
  int status = CLI_OK;
  opterr = 0;
  for (int id; status == CLI_OK && (id = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;)
    status = who_read_option(id, argv, out);
  if (status != CLI_OK)
    return status;
  return out->holders ? check_holders(out, argc - optind, argv[optind]) : check_options(out, argc - optind);
}

/* ---- the command ---- */

int cli_who(int argc, char **argv) {
  settings chosen = {0};
  int status = who_read_options(argc, argv, &chosen);
  if (status != CLI_OK)
    return status;
  if (chosen.holders)
    return who_holders(argv[optind], chosen.holders_directory, formats[chosen.format] == who_write_json);
  who_model *m = &chosen.model;
  who_sources sources = {.model = m, .directory = chosen.directory};
  for (int i = optind; i < argc; i++)
    who_add_source(&sources, argv[i], false);
  bool complete = m->process_count && (!chosen.minus || who_add_source(&sources, chosen.minus, true));
  status = sources.failed ? CLI_FAILURE : CLI_OK;
  if (complete) {
    who_find_symbols(m);
    int written = who_write_to(chosen.output, formats[chosen.format], m);
    status = written == CLI_OK ? status : written;
  }
  who_free(m);
  return status;
}
