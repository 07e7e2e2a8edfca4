/* `arrowpool plot` draws time series of one process or several as a picture. */
#include "cli/base/cli.h"
#include "cli/plot/series.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

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

static int parse_size(const char *text, series_size *out) {
  char width[16] = "";
  size_t length = strcspn(text, "x");
  if (length < sizeof width && text[length]) {
    memcpy(width, text, length);
    if (cli_parse_number(width, LARGEST_SIZE, &out->width) && out->width >= LEAST_SIZE &&
        cli_parse_number(text + length + 1, LARGEST_SIZE, &out->height) && out->height >= LEAST_SIZE)
      return CLI_OK;
  }
  return cli_usage_error("plot: --size=%s: choose WIDTHxHEIGHT, each from %d to %d, such as 1200x600", text,
                         LEAST_SIZE, LARGEST_SIZE);
}

static bool has_ending(const char *path) {
  static const char *const endings[] = {".png", ".svg", ".html"};
  const char *ending = strrchr(path, '.');
  return ending && cli_find_word(endings, sizeof endings / sizeof *endings, ending) >= 0;
}

static int plot_read_options(int argc, char **argv, settings *out) {
  static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                        {"pool", required_argument, NULL, 'p'},
                                        {"title", required_argument, NULL, 't'},
                                        {"size", required_argument, NULL, 's'},
                                        {0}};
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;) {
    if (id == ':' || id == '?')
      return cli_option_error("plot", id, argv);
    if (id == 's' && parse_size(optarg, &out->size) != CLI_OK)
      return CLI_USAGE;
    if (id == 's')
      continue;
    *(id == 'o' ? &out->output : id == 'p' ? &out->pool : &out->title) = optarg;
  }
  if (optind == argc)
    return cli_usage_error("plot: no FILE given; see arrowpool plot --help");
  if (!out->output)
    return cli_usage_error("plot: no -o OUT.html, OUT.png or OUT.svg given; see arrowpool plot --help");
  if (!has_ending(out->output))
    return cli_usage_error("plot: %s: choose a name that ends in .html, .png or .svg", out->output);
  return CLI_OK;
}

static void plot_take(void *context, stats *f) { series_add(context, f); }

static int draw(series_set *set, const settings *chosen, const char *first) {
  size_t found = set->count;
  char title[512];
  series_finish(set);
  if (!found)
    return cli_failure("plot: %s: nothing to draw", first);
  if (set->pool && !set->pool_found)
    return cli_failure("plot: %s: no such pool in %s", set->pool, first);
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
      cli_failure("plot: %s: %s", argv[i], problem);
  }
  if (set.count || !damaged)
    status = draw(&set, &chosen, argv[optind]);
  series_free(&set);
  return damaged ? CLI_FAILURE : status;
}
