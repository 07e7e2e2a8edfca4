/* Tells gnuplot what to draw of time series: the processes side by side, all on one scale. Texts are in
 * single quotes, in which it expands nothing. */
#include "cli/plot/series.h"

typedef struct scale {
  double factor;
  const char *unit;
} scale;

static scale byte_scale(double highest) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  double factor = 1;
  for (; highest / factor >= 2048 && unit + 1 < sizeof units / sizeof *units; unit++)
    factor *= 1024;
  return (scale){factor, units[unit]};
}

static scale time_scale(double seconds) {
  return seconds < 300 ? (scale){1, "s"} : seconds < 3 * 3600 ? (scale){60, "min"} : (scale){3600, "h"};
}

/* ---- what is drawn ---- */

enum { MOST_COLUMNS = 4 };

typedef struct plot {
  const series_set *set;
  FILE *out;
  int64_t begin; /* it is time 0, in milliseconds since the epoch */
  double end;    /* seconds after that */
  double highest_memory, highest_rate;
  bool shows_growth;
  scale time, memory, rate;
} plot;

/* It is negative where it is not known. */
static double value_at(const series *s, size_t i, series_field field) {
  if (series_is_rate(field))
    return series_rate(s, i, field);
  return s->points[i].values[field] == ARROWPOOL_UNKNOWN ? -1 : (double)s->points[i].values[field];
}

/* Returns the sum of the areas up to a part of the stack: live, idle, and the rest of what is resident. */
static double stack_at(const series *s, size_t i, int part) {
  double live = value_at(s, i, SERIES_live), idle = value_at(s, i, SERIES_idle),
         resident = value_at(s, i, SERIES_resident);
  double sum = (live > 0 ? live : 0) + (part > 0 && idle > 0 ? idle : 0);
  if (part == 0)
    return live;
  if (part == 1)
    return idle < 0 ? -1 : sum;
  return resident < 0 ? -1 : resident > sum ? resident : sum;
}

static double highest_of(const series *s, series_field field) {
  double highest = -1;
  for (size_t i = 0; i < s->count; i++)
    highest = value_at(s, i, field) > highest ? value_at(s, i, field) : highest;
  return highest;
}

/* A limit far above all else would flatten it. */
static bool shows_limit(const plot *p, const series *s) {
  double limit = highest_of(s, SERIES_limit);
  return limit > 0 && limit <= 3 * p->highest_memory;
}

static void find_scales(plot *p) {
  p->begin = INT64_MAX;
  for (size_t s = 0; s < p->set->count; s++)
    if (p->set->items[s].process.start_time < p->begin)
      p->begin = p->set->items[s].process.start_time;
  for (size_t s = 0; s < p->set->count; s++) {
    const series *item = &p->set->items[s];
    double last = (double)(item->points[item->count - 1].time - p->begin) / 1000;
    p->end = last > p->end ? last : p->end;
    for (size_t i = 0; i < item->count; i++)
      for (int part = 0; part < 3; part++)
        p->highest_memory =
            stack_at(item, i, part) > p->highest_memory ? stack_at(item, i, part) : p->highest_memory;
    for (series_field field = SERIES_in_place; field <= SERIES_copied; field++)
      p->highest_rate = highest_of(item, field) > p->highest_rate ? highest_of(item, field) : p->highest_rate;
  }
  double limit = 0;
  for (size_t s = 0; s < p->set->count; s++)
    if (shows_limit(p, &p->set->items[s]) && highest_of(&p->set->items[s], SERIES_limit) > limit)
      limit = highest_of(&p->set->items[s], SERIES_limit);
  p->highest_memory = limit > p->highest_memory ? limit : p->highest_memory;
  p->shows_growth = p->highest_rate > 0 && p->set->count <= MOST_COLUMNS;
  p->time = time_scale(p->end);
  p->memory = byte_scale(p->highest_memory);
  p->rate = byte_scale(p->highest_rate);
}

/* ---- for gnuplot ---- */

static void quote(FILE *out, const char *text) {
  fputc('\'', out);
  for (; *text; text++)
    if (*text == '\'')
      fputs("''", out);
    else
      fputc((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text, out);
  fputc('\'', out);
}

static void write_number(const plot *p, double value, double factor) {
  if (value < 0)
    fputs(" NaN", p->out);
  else
    fprintf(p->out, " %.9g", value / factor);
}

/* Its columns are the time, the fields, and the three parts of the stack. */
static void write_data(const plot *p) {
  for (size_t s = 0; s < p->set->count; s++) {
    const series *item = &p->set->items[s];
    fprintf(p->out, "$data%zu << END\n", s);
    for (size_t i = 0; i < item->count; i++) {
      fprintf(p->out, "%.9g", (double)(item->points[i].time - p->begin) / 1000 / p->time.factor);
      for (series_field field = 0; field < SERIES_FIELD_COUNT; field++)
        write_number(p, value_at(item, i, field), series_is_rate(field) ? p->rate.factor : p->memory.factor);
      for (int part = 0; part < 3; part++)
        write_number(p, stack_at(item, i, part), p->memory.factor);
      fputc('\n', p->out);
    }
    fputs("END\n", p->out);
  }
}

/* Draws a column, and clears `first` once there was one. */
static void curve(const plot *p, size_t s, int column, const char *title, const char *style, bool *first) {
  fprintf(p->out, "%s $data%zu using 1:%d with %s title '%s'", *first ? "plot" : ",", s, column, style,
          title);
  *first = false;
}

static void field_curve(const plot *p, size_t s, series_field field, const char *title, const char *style,
                        bool *first) {
  if (highest_of(&p->set->items[s], field) >= 0)
    curve(p, s, (int)field + 2, title, style, first);
}

/* Draws an area from 0 up; what is below is drawn over it. */
static void area(const plot *p, size_t s, int part, const char *title, const char *colour, bool *first) {
  const series *item = &p->set->items[s];
  char style[64];
  bool known = false;
  for (size_t i = 0; i < item->count; i++)
    known |= stack_at(item, i, part) >= 0;
  snprintf(style, sizeof style, "filledcurves y1=0 lc rgb '%s'", colour);
  if (known)
    curve(p, s, SERIES_FIELD_COUNT + 2 + part, title, style, first);
}

/* Begins a panel. The one on the left has the axis of bytes, the lowest that of time. */
static void panel(const plot *p, size_t s, const char *what, bool is_rate, bool lowest, bool named) {
  const scale *unit = is_rate ? &p->rate : &p->memory;
  const series *item = &p->set->items[s];
  double highest = is_rate ? p->highest_rate : p->highest_memory;
  char name[160];
  fprintf(p->out, "set yrange [0:%.9g]\n", highest > 0 ? highest / unit->factor * 1.05 : 1);
  fprintf(p->out, "set ylabel '%s (%s%s)' noenhanced\n", what, unit->unit, is_rate ? "/s" : "");
  snprintf(name, sizeof name, "%.40s %lld",
           *item->process.job_name ? item->process.job_name : item->process.program,
           (long long)item->process.pid);
  /* The names of curves stand where no other text is. */
  fputs(is_rate ? "set key tmargin center\n" : "set key bmargin center\n", p->out);
  fputs(named ? "set title " : "unset title\n", p->out);
  if (named) {
    quote(p->out, name);
    fputs(" noenhanced\n", p->out);
  }
  if (lowest)
    fprintf(p->out, "set xlabel 'time since the start (%s)' noenhanced\n", p->time.unit);
  else
    fputs("unset xlabel\n", p->out);
}

/* Where nothing is known there is no panel, only its place. */
static void end_panel(const plot *p, bool empty) { fputs(empty ? "set multiplot next\n" : "\n", p->out); }

static void draw_memory(const plot *p, size_t s, bool lowest, bool named) {
  bool first = true;
  panel(p, s, "memory", false, lowest, named);
  area(p, s, 2, "the rest", "#c3cad2", &first);
  area(p, s, 1, "idle", "#e69f00", &first);
  area(p, s, 0, "live", "#0072b2", &first);
  field_curve(p, s, SERIES_resident, "resident", "lines lw 2 lc rgb '#333333'", &first);
  if (shows_limit(p, &p->set->items[s]))
    field_curve(p, s, SERIES_limit, "limit", "lines lw 2 dt 2 lc rgb '#c2185b'", &first);
  end_panel(p, first);
}

static void draw_growth(const plot *p, size_t s) {
  bool first = true;
  static const struct {
    series_field field;
    const char *title, *style;
  } curves[] = {{SERIES_in_place, "in place", "fsteps lw 2 lc rgb '#009e73'"},
                {SERIES_remapped, "pages moved", "fsteps lw 2 lc rgb '#56b4e9'"},
                {SERIES_copied, "copied", "fsteps lw 2 lc rgb '#d55e00'"}};
  panel(p, s, "reallocated", true, true, false);
  for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
    if (highest_of(&p->set->items[s], curves[i].field) > 0)
      field_curve(p, s, curves[i].field, curves[i].title, curves[i].style, &first);
  end_panel(p, first);
}

void series_write_commands(const series_set *set, const char *title, bool png, series_size size, FILE *out) {
  plot drawn = {.set = set, .out = out}, *p = &drawn;
  find_scales(p);
  size_t columns = set->count <= MOST_COLUMNS ? set->count : set->count <= 6 ? 3 : MOST_COLUMNS;
  size_t rows = (set->count + columns - 1) / columns + p->shows_growth;
  size_t width = size.width ? size.width : columns < 2 ? 1000 : 480 * columns;
  size_t height = size.height ? size.height : 60 + (columns < 2 && rows > 1 ? 320 : 340) * rows;
  fprintf(p->out, "set terminal %s size %zu,%zu font 'sans,%d'%s\n", png ? "pngcairo" : "svg", width, height,
          png ? 11 : 14, png ? "" : " background '#ffffff'");
  fputs("set border 3\nset xtics nomirror\nset ytics nomirror\nset style fill solid 1 noborder\n"
        "set grid back lt 1 lw 1 lc rgb '#dddddd'\nset tmargin 3\n"
        "set key Left reverse horizontal samplen 1.5 width 1\n",
        p->out);
  if (!p->shows_growth)
    fputs("set bmargin 6\n", p->out);
  fprintf(p->out, "set lmargin %d\nset rmargin 3\n", columns < 2 ? 12 : 9);
  fprintf(p->out, "set xrange [0:%.9g]\n", p->end / p->time.factor);
  write_data(p);
  fprintf(p->out, "set multiplot layout %zu,%zu rowsfirst title ", rows, columns);
  quote(p->out, title);
  fputs(" noenhanced\n", p->out);
  for (size_t s = 0; s < set->count; s++)
    draw_memory(p, s, !p->shows_growth && s / columns == rows - 1, set->count > 1);
  for (size_t s = 0; s < set->count && p->shows_growth; s++)
    draw_growth(p, s);
  fputs("unset multiplot\n", p->out);
}
