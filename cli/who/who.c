/* `arrowpool who` says who holds the memory, from the profiles of processes. */
#include "cli/who/who.h"

#include "cli/base/flags.h"
#include "cli/stats/live_files.h"
#include "cli/who/holders.h"
#include "cli/who/output.h"
#include "cli/who/sources.h"

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
       "  --format=FORMAT     text, json, folded, speedscope, pprof or html; default: as FILE's\n"
       "                      ending says, otherwise text\n"
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
  bool shares_chosen, format_chosen;
  bool holders; /* they are asked for, of which `holders_directory` may have the socket */
  const char *holders_directory;
} settings;

/* ---- options ---- */

static const flag who_flags[] = {FLAG_VALUE("what", 'w', "live, total or peak"),
                                 FLAG_VALUE("by", 'b', "line, function, native, pool or thread"),
                                 FLAG_VALUE("older-than", 'a', "a duration above 0, such as 30s, 10m or 2h"),
                                 FLAG_VALUE("at-least", 's', "a percentage from 0% to 100%, such as 1%"),
                                 FLAG_VALUE("minus", 'm', "a profile"),
                                 FLAG_VALUE("format", 'f', "text, json, folded, speedscope, pprof or html"),
                                 FLAG_LETTER("output", 'o', "a file"),
                                 FLAG_MAY_LACK("holders", 'd', "a directory"),
                                 FLAG_VALUE("profile", 'p', "a directory")};

static bool choose(const char *const words[], size_t count, const char *text, int *out) {
  int found = cli_find_word(words, count, text);
  *out = found < 0 ? *out : found;
  return found >= 0;
}

static bool parse_age(const char *text, int64_t *out) { return cli_parse_time(text, out) && *out > 0; }

static bool parse_share(const char *text, double *out) {
  char *end;
  double percent = strtod(text, &end);
  bool plain = end != text && strspn(text, "0123456789.") == (size_t)(end - text);
  *out = percent / 100;
  return plain && percent <= 100 && (!*end || strcmp(end, "%") == 0);
}

/* Returns whether the option takes that value. */
static bool who_read_option(int id, char *text, settings *out) {
  int chosen = 0;
  bool good = true;
  switch (id) {
  case 'w':
    good = choose(who_what_names, WHO_WHATS, text, &chosen);
    out->model.what = (who_what)chosen;
    return good;
  case 'b':
    good = choose(who_by_names, WHO_BYS, text, &chosen);
    out->model.by = (who_by)chosen;
    return good;
  case 'f':
    out->format_chosen = true;
    return choose(format_names, FORMATS, text, &out->format);
  case 'a':
    return parse_age(text, &out->model.older_than);
  case 's':
    out->shares_chosen = true;
    return parse_share(text, &out->model.at_least);
  case 'm':
    out->minus = text;
    return true;
  case 'p':
    out->directory = *text ? text : NULL;
    return true;
  case 'd':
    out->holders = true;
    out->holders_directory = text && *text ? text : NULL;
    return true;
  default:
    out->output = text;
    return true;
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

/* Chooses the format by the ending of the file that is written, unless one is given. */
static int choose_format(settings *s) {
  static const struct {
    const char *ending;
    who_write write;
  } endings[] = {{".txt", who_write_text},    {".text", who_write_text},     {".log", who_write_text},
                 {".json", who_write_json},   {".folded", who_write_folded}, {".pprof", who_write_pprof},
                 {".pb.gz", who_write_pprof}, {".html", who_write_html}};
  const char *name = s->output ? basename(s->output) : "";
  if (s->format_chosen || !strchr(name, '.'))
    return CLI_OK;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t length = strlen(name), its = strlen(endings[i].ending);
    if (length < its || strcmp(name + length - its, endings[i].ending) != 0)
      continue;
    for (s->format = 0; formats[s->format] != endings[i].write;)
      s->format++;
    return CLI_OK;
  }
  return cli_usage_error(
      "who: --output=%s: its ending says no format: choose .txt, .json, .folded, .pprof or .html, or "
      "one by --format",
      s->output);
}

/* Judges the options together. */
static int check_options(settings *s, int arguments) {
  const char *what = who_what_names[s->model.what];
  if (!arguments)
    return flags_missing("no PID, FILE or DIR given");
  if (s->model.what != WHO_LIVE && s->model.older_than)
    return cli_usage_error("who: --older-than: only the age of live buffers is known, not with --what=%s",
                           what);
  if (s->model.what != WHO_LIVE && s->model.by == WHO_BY_THREAD)
    return cli_usage_error("who: --by=thread: only threads of live buffers are known, not with --what=%s",
                           what);
  if (choose_format(s) != CLI_OK)
    return CLI_USAGE;
  if (formats[s->format] == who_write_pprof && !s->output && isatty(STDOUT_FILENO))
    return cli_usage_error("who: --format=pprof: no text for a terminal; choose a file by -o FILE");
  if (!s->shares_chosen && formats[s->format] == who_write_text) {
    s->model.at_least = 0.01;
    s->model.least_rows = 10;
  }
  return CLI_OK;
}

static int who_read_options(int argc, char **argv, settings *out) {
  FLAGS_DECLARE(who_flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (!who_read_option(id, optarg, out))
      return flags_refuse(id, optarg);
  }
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
