/* `arrowpool plot` draws time series of one process or several as a picture. */
#include "cli/base/cli.h"
#include "cli/plot/series.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define MOST_PROCESSES 12 /* more cannot be told apart in a picture */

void cli_plot_describe(void) {
  puts("Draws how memory and growth went on, from the time series that a process writes with\n"
       "ARROW_POOL_STATS=FILE.jsonl and ARROW_POOL_STATS_INTERVAL. Needs gnuplot.\n\n"
       "  -o, --output=FILE  the picture; its ending, .png or .svg, says the format\n"
       "  --pool=NAME        only this pool; default: all of which the live bytes are known, added up\n"
       "  --title=TEXT       default: the process");
}

typedef struct settings {
  const char *output, *pool, *title;
} settings;

static int plot_read_options(int argc, char **argv, settings *out) {
  static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                        {"pool", required_argument, NULL, 'p'},
                                        {"title", required_argument, NULL, 't'},
                                        {0}};
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;) {
    if (id == ':' || id == '?')
      return cli_option_error("plot", id, argv);
    *(id == 'o' ? &out->output : id == 'p' ? &out->pool : &out->title) = optarg;
  }
  if (optind == argc)
    return cli_usage_error("plot: no FILE given; see arrowpool plot --help");
  if (!out->output)
    return cli_usage_error("plot: no -o OUT.png or OUT.svg given; see arrowpool plot --help");
  const char *ending = strrchr(out->output, '.');
  if (!ending || (strcmp(ending, ".png") != 0 && strcmp(ending, ".svg") != 0))
    return cli_usage_error("plot: %s: choose a name that ends in .png or .svg", out->output);
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
  if (set->count > MOST_PROCESSES)
    return cli_failure("plot: %zu processes are too many for one picture; at most %d", set->count,
                       MOST_PROCESSES);
  const series *s = &set->items[0];
  if (set->count == 1)
    snprintf(title, sizeof title, "%s, pid %lld on %s", s->process.program, (long long)s->process.pid,
             s->process.host);
  else
    snprintf(title, sizeof title, "%zu processes", set->count);
  if (set->pool)
    snprintf(title + strlen(title), sizeof title - strlen(title), ", %s", set->pool);
  return series_draw(set, chosen->title ? chosen->title : title, chosen->output);
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
