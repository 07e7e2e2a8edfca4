/* `arrowpool plot` draws time series of one process or several as a picture. */
#include "cli/base/flags.h"
#include "cli/base/open_regular.h"
#include "cli/plot/series.h"
#include "cli/stats/process_truth.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* More cannot be told apart in a picture, or looked through on a page. */
enum { MOST_PROCESSES = 12, MOST_ON_PAGE = 100, LEAST_SIZE = 200, LARGEST_SIZE = 10000 };

void cli_plot_describe(void) {
  puts("Draws how memory and growth went on, from the time series that a process writes with\n"
       "ARROW_POOL_STATS=FILE.jsonl and ARROW_POOL_STATS_INTERVAL, or that `arrowpool record` makes of live "
       "files.\n"
       ".html is a page for a browser, of one file, with zoom; .png and .svg need gnuplot.\n\n"
       "  -o, --output=FILE  the picture; its ending, .html, .png or .svg, says the format\n"
       "  --size=WxH         of .png and .svg, such as 1200x600; default: as it suits\n"
       "  --pool=NAME        only this pool; default: all of which the live bytes are known, added up\n"
       "  --title=TEXT       default: the process");
}

typedef struct settings {
  const char *output, *pool, *title;
  series_size size;
} settings;

static bool parse_size(const char *text, series_size *out) {
  char width[16] = "";
  size_t length = strcspn(text, "x");
  if (length >= sizeof width || !text[length])
    return false;
  memcpy(width, text, length);
  return cli_parse_number(width, LARGEST_SIZE, &out->width) && out->width >= LEAST_SIZE &&
         cli_parse_number(text + length + 1, LARGEST_SIZE, &out->height) && out->height >= LEAST_SIZE;
}

static bool has_ending(const char *path) {
  static const char *const endings[] = {".png", ".svg", ".html"};
  const char *ending = strrchr(path, '.');
  return ending && cli_find_word(endings, sizeof endings / sizeof *endings, ending) >= 0;
}

static int plot_read_options(int argc, char **argv, settings *out) {
  static const flag flags[] = {
      FLAG_LETTER("output", 'o', "a name that ends in .html, .png or .svg"),
      FLAG_VALUE("size", 's', "WIDTHxHEIGHT, each from 200 to 10000, such as 1200x600"),
      FLAG_VALUE("pool", 'p', "the name of a pool"), FLAG_VALUE("title", 't', "a text")};
  FLAGS_DECLARE(flags, false);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    if (id == 's' && !parse_size(optarg, &out->size))
      return flags_refuse('s', optarg);
    if (id == 's')
      continue;
    *(id == 'o' ? &out->output : id == 'p' ? &out->pool : &out->title) = optarg;
  }
  if (out->output && !has_ending(out->output))
    return flags_refuse('o', out->output);
  if (optind == argc)
    return flags_missing("no FILE given");
  if (!out->output && has_ending(argv[argc - 1]))
    return cli_usage_error("plot: no picture given: to write %s, put -o before it", argv[argc - 1]);
  return out->output ? CLI_OK : flags_missing("no -o OUT.html, OUT.png or OUT.svg given");
}

static void plot_take(void *context, stats *f) { series_add(context, f); }

static int draw(series_set *set, const settings *chosen, const char *first) {
  size_t found = set->count;
  char title[512];
  series_finish(set);
  if (!found)
    return cli_failure("plot: %s: nothing to draw", first);
  if (set->pool && !set->pool_found)
    return cli_failure("plot: --pool=%s: no such pool in %s; choose %s", set->pool, first,
                       *set->pool_names ? set->pool_names : "none: it has no pools");
  if (!set->count)
    return cli_failure("plot: %s: fewer than two points in time; see ARROW_POOL_STATS_INTERVAL", first);
  bool is_page = strcmp(strrchr(chosen->output, '.'), ".html") == 0;
  size_t most = is_page ? MOST_ON_PAGE : MOST_PROCESSES;
  if (set->count > most)
    return cli_failure("plot: %zu processes are too many for one %s; at most %zu%s", set->count,
                       is_page ? "page" : "picture", most, is_page ? "" : "; a page (-o OUT.html) takes 100");
  const series *s = &set->items[0];
  if (set->count == 1)
    snprintf(title, sizeof title, "%s, pid %lld on %s", s->process.program, (long long)s->process.pid,
             s->process.host);
  else
    snprintf(title, sizeof title, "%zu processes", set->count);
  if (set->pool)
    snprintf(title + strlen(title), sizeof title - strlen(title), ", %s", set->pool);
  return series_draw(set, chosen->title ? chosen->title : title, chosen->size, chosen->output);
}

int cli_plot(int argc, char **argv) {
  settings chosen = {0};
  int status = plot_read_options(argc, argv, &chosen);
  if (status != CLI_OK)
    return status;
  series_set set = {.pool = chosen.pool};
  bool damaged = false;
  for (int i = optind; i < argc; i++) {
    const char *problem = stats_read_each(argv[i], plot_take, &set);
    damaged |= problem != NULL;
    if (problem)
      cli_failure("plot: %s: %s%s", argv[i], process_truth_of_file(argv[i], problem),
                  problem == open_regular_directory ? ": name the files in it" : "");
  }
  if (set.count || !damaged)
    status = draw(&set, &chosen, argv[optind]);
  series_free(&set);
  return damaged ? CLI_FAILURE : status;
}
