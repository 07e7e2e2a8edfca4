/* `arrowpool report` adds up the statistics of many processes. */
#include "cli/base/find_files.h"
#include "cli/base/flags.h"
#include "cli/base/memory.h"
#include "cli/base/nearest.h"
#include "cli/stats/merge.h"
#include "cli/stats/process_truth.h"
#include "cli/stats/processes.h"
#include "cli/who/held.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_report_describe(void) {
  puts("Adds up the statistics of many processes: dumps in json and jsonl, of which the last line of each "
       "process\n"
       "counts, and live files. In a DIRECTORY they are found by their endings (.json .jsonl .live), at any "
       "depth.\n"
       "Each process counts once. A figure that is not known for a part is shown as its lower bound (>=), or "
       "as ?.\n"
       "Where profiles lie beside the files, text and json tell the lines of Python that hold most.\n\n"
       "  --by=KEY,...     pool, name, host, program or process, or several of them; default: pool\n"
       "  --format=FORMAT  text, json, jsonl or prometheus; default: text\n"
       "  --sort=FIELD     largest first; default: max_memory_sum. name, or one of");
  int column = 18;
  printf("%18s", "");
  for (merge_field field = 0; field < MERGE_FIELD_COUNT; field++) {
    int width = (int)strlen(merge_field_names[field]) + 1;
    if (column + width > 100) {
      printf("\n%18s", "");
      column = 18;
    }
    printf(" %s", merge_field_names[field]);
    column += width;
  }
  puts("\n  --top=N          only the first N rows; by process there is one for each");
}

typedef struct state {
  merge merge;
  processes seen;
  stats held; /* the last so far of a time series */
  bool holds, quiet, superseded;
  size_t files, damaged, unreadable; /* unreadable ones may be directories and named files, too */
  bool tells_lines;                  /* profiles are looked for */
  const char *path;                  /* a profile may lie beside it; NULL: that is known already */
  int64_t running;                   /* the number of the process that was added last, if it runs; or 0 */
  char **profiles;                   /* those beside files that count */
  size_t profile_count, profile_room;
} state;

/* ---- options ---- */

typedef void (*format)(writer *, const merge_report *);

static bool parse_format(const char *text, format *out) {
  static const char *const words[] = {"text", "json", "jsonl", "prometheus"};
  static const format formats[] = {merge_write_text, merge_write_json, merge_write_jsonl,
                                   merge_write_prometheus};
  int index = cli_find_word(words, 4, text);
  *out = index < 0 ? *out : formats[index];
  return index >= 0;
}

static bool parse_sort(const char *text, merge_field *out) {
  int index = cli_find_word(merge_field_names, MERGE_FIELD_COUNT, text);
  *out = index < 0 ? MERGE_FIELD_COUNT : (merge_field)index;
  return index >= 0 || strcmp(text, "name") == 0;
}

/* The fields are many: the nearest is named, if one is near. */
static int refuse_sort(const char *text) {
  nearest found = nearest_begin(text);
  nearest_try(&found, "name");
  for (merge_field field = 0; field < MERGE_FIELD_COUNT; field++)
    nearest_try(&found, merge_field_names[field]);
  const char *word = nearest_found(&found);
  return word ? cli_usage_error("report: --sort=%s: unknown field; the nearest is %s", text, word)
              : flags_refuse('s', text);
}

typedef struct settings {
  unsigned by;
  format write;
  merge_field sort;
  size_t top;
} settings;

static bool read_value(int id, const char *text, settings *out) {
  switch (id) {
  case 'b':
    return merge_parse_by(text, ~0u, &out->by);
  case 'f':
    return parse_format(text, &out->write);
  case 's':
    return parse_sort(text, &out->sort);
  default:
    return cli_parse_number(text, SIZE_MAX, &out->top);
  }
}

static int report_read_options(int argc, char **argv, settings *out) {
  static const flag flags[] = {
      FLAG_VALUE("by", 'b', "pool, name, host, program or process, or several of them with commas"),
      FLAG_VALUE("format", 'f', "text, json, jsonl or prometheus"),
      FLAG_VALUE("sort", 's', "name or a field; see arrowpool report --help"),
      FLAG_VALUE("top", 't', "a number above 0")};
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (!read_value(id, optarg, out))
      return id == 's' ? refuse_sort(optarg) : flags_refuse(id, optarg);
  }
  if (optind == argc)
    return flags_missing("no FILE or DIRECTORY given");
  out->by = out->by ? out->by : MERGE_POOL;
  return CLI_OK;
}

/* ---- reading ---- */

static void add_profile(state *s, const char *path) {
  s->profiles = memory_one_more(s->profiles, s->profile_count, &s->profile_room, sizeof *s->profiles);
  s->profiles[s->profile_count++] = memory_copy(path);
}

static void forget_profiles(state *s) {
  while (s->profile_count)
    free(s->profiles[--s->profile_count]);
}

static void count(state *s, const stats *f) {
  char profile[PATH_MAX + 256];
  processes_verdict verdict = processes_judge(&s->seen, f);
  s->superseded |= verdict == PROCESSES_SUPERSEDE;
  if (verdict != PROCESSES_COUNT)
    return;
  merge_add(&s->merge, f);
  s->running = f->from_live && f->state == STATS_RUNNING ? f->process.pid : 0;
  if (s->path && who_find_profile(NULL, s->path, profile, sizeof profile))
    add_profile(s, profile);
  s->path = NULL; /* a file can have many processes, and one profile lies beside it */
}

static void count_held(state *s) {
  if (s->holds)
    count(s, &s->held);
  s->holds = false;
  stats_free(&s->held);
}

/* Lines of one process in a row count as the last of them, so that a time series needs no second reading. */
static void take_figures(void *context, stats *f) {
  state *s = context;
  if (s->holds && processes_same(&s->held.process, &f->process)) {
    if (processes_newer(&s->held, f))
      return;
    stats_free(&s->held);
  } else {
    count_held(s);
  }
  s->held = *f;
  s->holds = true;
  f->pools = NULL;
}

static void report_complain(void *context, const char *path, const char *problem) {
  state *s = context;
  s->unreadable++;
  if (!s->quiet)
    cli_failure("report: %s: %s", path, problem);
}

static void take_file(void *context, const char *path, bool named) {
  state *s = context;
  s->path = s->tells_lines ? path : NULL;
  const char *problem = stats_read_each(path, take_figures, s);
  count_held(s);
  /* A process that ends takes its live file away, perhaps after the directory was read. */
  if (problem && !named && strcmp(problem, strerror(ENOENT)) == 0)
    return;
  s->files++;
  s->damaged += problem != NULL;
  if (problem)
    report_complain(s, path, process_truth_of_file(path, problem));
}

static void report_read_all(state *s, int count_, char **paths) {
  merge_clear(&s->merge);
  forget_profiles(s);
  s->files = s->damaged = s->unreadable = 0;
  for (int i = 0; i < count_; i++)
    find_files(paths[i], take_file, report_complain, s);
}

/* ---- printing ---- */

/* Finds the profile of a single process as its mappings have it; of several, what lies beside their files
 * must do, for there may be thousands. */
static void find_mapped_profile(state *s) {
  char number[24], profile[PATH_MAX + 256];
  writer_format_int(number, s->running);
  if (s->merge.processes == 1 && s->running > 0 && !s->profile_count &&
      who_find_profile(number, NULL, profile, sizeof profile))
    add_profile(s, profile);
}

static void write_held(writer *w, const void *context) {
  const state *s = context;
  who_write_held_json(w, s->profiles, s->profile_count);
}

static bool print(state *s, const settings *chosen) {
  writer w;
  merge_finish(&s->merge, chosen->sort);
  writer_init(&w, stats_write_to_stdout, NULL);
  if (s->tells_lines)
    find_mapped_profile(s);
  chosen->write(&w, &(merge_report){&s->merge, s->files, s->damaged, chosen->top, write_held, s});
  bool printed = writer_finish(&w);
  if (printed && chosen->write == merge_write_text)
    who_print_held(s->profiles, s->profile_count, s->merge.processes);
  return printed && fflush(stdout) == 0;
}

int cli_report(int argc, char **argv) {
  settings chosen = {.write = merge_write_text, .sort = MERGE_max_memory_sum, .top = SIZE_MAX};
  state s = {0};
  int status = report_read_options(argc, argv, &chosen);
  if (status != CLI_OK)
    return status;
  s.merge.by = chosen.by;
  s.tells_lines = chosen.write == merge_write_text || chosen.write == merge_write_json;
  report_read_all(&s, argc - optind, argv + optind);
  if (s.superseded) {
    processes_again(&s.seen);
    s.quiet = true;
    report_read_all(&s, argc - optind, argv + optind);
  }
  status = s.unreadable ? CLI_FAILURE : CLI_OK;
  if (!s.files && !s.unreadable)
    status = cli_failure("report: %s: no .json, .jsonl or .live file there", argv[optind]);
  if (s.merge.lost)
    fprintf(stderr, "arrowpool: report: %lld records found no room on the disk, so sums are too small\n",
            (long long)s.merge.lost);
  if (s.files > s.damaged || s.merge.processes)
    status = print(&s, &chosen) ? status : CLI_FAILURE;
  merge_clear(&s.merge);
  forget_profiles(&s);
  free(s.profiles);
  processes_free(&s.seen);
  return status;
}
