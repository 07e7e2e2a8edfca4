/* Tells gnuplot what to draw of time series. Texts are in single quotes, in which it expands nothing. */
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

typedef struct plot {
  const series_set *set;
  FILE *out;
  int64_t begin; /* it is time 0, in milliseconds since the epoch */
  double end;    /* seconds after that */
  scale time, memory, rate;
} plot;

/* Returns the growth per second up to a point; it is negative where it is not known. */
static double rate_at(const series *s, size_t i, series_field field) {
  int64_t now = s->points[i].values[field];
  int64_t before = i ? s->points[i - 1].values[field] : ARROWPOOL_UNKNOWN;
  if (now == ARROWPOOL_UNKNOWN || before == ARROWPOOL_UNKNOWN || now < before)
    return -1;
  return (double)(now - before) * 1000 / (double)(s->points[i].time - s->points[i - 1].time);
}

static bool is_rate(series_field field) { return field >= SERIES_in_place; }

static double value_at(const series *s, size_t i, series_field field) {
  return is_rate(field) ? rate_at(s, i, field) : (double)s->points[i].values[field];
}

static bool known(const series *s, series_field field) {
  for (size_t i = 0; i < s->count; i++)
    if (value_at(s, i, field) >= 0)
      return true;
  return false;
}

static bool known_of_all(const plot *p, series_field field) {
  for (size_t i = 0; i < p->set->count; i++)
    if (known(&p->set->items[i], field))
      return true;
  return false;
}

static void find_scales(plot *p) {
  double memory = 0, rate = 0;
  p->begin = INT64_MAX;
  for (size_t s = 0; s < p->set->count; s++)
    if (p->set->items[s].process.start_time < p->begin)
      p->begin = p->set->items[s].process.start_time;
  for (size_t s = 0; s < p->set->count; s++) {
    const series *item = &p->set->items[s];
    double last = (double)(item->points[item->count - 1].time - p->begin) / 1000;
    p->end = last > p->end ? last : p->end;
    for (size_t i = 0; i < item->count; i++)
      for (series_field field = 0; field < SERIES_FIELD_COUNT; field++) {
        double *highest = is_rate(field) ? &rate : &memory, value = value_at(item, i, field);
        *highest = value > *highest ? value : *highest;
      }
  }
  p->time = time_scale(p->end);
  p->memory = byte_scale(memory);
  p->rate = byte_scale(rate);
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

static void write_data(const plot *p) {
  for (size_t s = 0; s < p->set->count; s++) {
    const series *item = &p->set->items[s];
    fprintf(p->out, "$data%zu << END\n", s);
    for (size_t i = 0; i < item->count; i++) {
      fprintf(p->out, "%.9g", (double)(item->points[i].time - p->begin) / 1000 / p->time.factor);
      for (series_field field = 0; field < SERIES_FIELD_COUNT; field++) {
        double value = value_at(item, i, field), factor = is_rate(field) ? p->rate.factor : p->memory.factor;
        if (value < 0)
          fputs(" NaN", p->out);
        else
          fprintf(p->out, " %.9g", value / factor);
      }
      fputc('\n', p->out);
    }
    fputs("END\n", p->out);
  }
}

/* Draws a curve, if anything of it is known, and clears `first` once there was one. */
static void curve(const plot *p, size_t s, series_field field, const char *title, const char *style,
                  bool *first) {
  if (!known(&p->set->items[s], field))
    return;
  fprintf(p->out, "%s $data%zu using 1:%d with %s %s ", *first ? "plot" : ",", s, (int)field + 2,
          is_rate(field) ? "fsteps" : "lines", style);
  if (title) {
    fputs("title ", p->out);
    quote(p->out, title);
    fputs(" noenhanced", p->out);
  } else {
    fputs("notitle", p->out);
  }
  *first = false;
}

/* Begins a panel for fields of one kind, from `from` to `to`. The `lowest` one has the axis of time. */
static void panel(const plot *p, const char *what, series_field from, series_field to, bool lowest) {
  const scale *unit = is_rate(from) ? &p->rate : &p->memory;
  double highest = 0;
  for (size_t s = 0; s < p->set->count; s++)
    for (size_t i = 0; i < p->set->items[s].count; i++)
      for (series_field field = from; field <= to; field++) {
        double value = value_at(&p->set->items[s], i, field);
        highest = value > highest ? value : highest;
      }
  fprintf(p->out, "set yrange [0:%.9g]\n", highest > 0 ? highest / unit->factor * 1.05 : 1);
  fprintf(p->out, "set ylabel '%s (%s%s)' noenhanced\n", what, unit->unit, is_rate(from) ? "/s" : "");
  if (lowest)
    fprintf(p->out, "set xlabel 'time since the start (%s)' noenhanced\n", p->time.unit);
  else
    fputs("unset xlabel\n", p->out);
}

/* Nothing of a panel may be known: then it has only its axes. */
static void end_panel(const plot *p, bool empty) { fputs(empty ? "plot NaN notitle\n" : "\n", p->out); }

static void draw_one(const plot *p) {
  bool first = true;
  panel(p, "memory", SERIES_live, SERIES_idle, false);
  curve(p, 0, SERIES_resident, "resident", "lw 2 lc rgb '#999999'", &first);
  curve(p, 0, SERIES_live, "live", "lw 2 lc rgb '#0072b2'", &first);
  curve(p, 0, SERIES_idle, "idle", "lw 2 lc rgb '#e69f00'", &first);
  end_panel(p, first);
  first = true;
  panel(p, "reallocated", SERIES_in_place, SERIES_copied, true);
  curve(p, 0, SERIES_in_place, "in place", "lw 2 lc rgb '#009e73'", &first);
  curve(p, 0, SERIES_remapped, "pages moved", "lw 2 lc rgb '#56b4e9'", &first);
  curve(p, 0, SERIES_copied, "copied", "lw 2 lc rgb '#d55e00'", &first);
  end_panel(p, first);
}

/* Draws one colour a process; the first panel has the names. */
static void draw_processes(const plot *p, series_field field, const char *what, bool named, bool lowest) {
  bool first = true;
  panel(p, what, field, field, lowest);
  for (size_t s = 0; s < p->set->count; s++) {
    const series *item = &p->set->items[s];
    char style[32], title[160];
    snprintf(style, sizeof style, "lw 2 lt %zu", s + 1);
    snprintf(title, sizeof title, "%s %lld", item->process.program, (long long)item->process.pid);
    curve(p, s, field, named ? title : NULL, style, &first);
  }
  end_panel(p, first);
}

static void draw_several(const plot *p) {
  bool live = known_of_all(p, SERIES_live);
  draw_processes(p, SERIES_live, "live", true, false);
  draw_processes(p, SERIES_resident, "resident", !live, false);
  draw_processes(p, SERIES_in_place, "in place", false, false);
  draw_processes(p, SERIES_copied, "copied", false, true);
}

void series_write_commands(const series_set *set, const char *title, bool png, FILE *out) {
  plot drawn = {.set = set, .out = out}, *p = &drawn;
  bool several = set->count > 1;
  find_scales(p);
  fprintf(p->out, "set terminal %s size 1000,%d font 'sans,%d'%s\n", png ? "pngcairo" : "svg",
          several ? 960 : 640, png ? 11 : 14, png ? "" : " background '#ffffff'");
  fputs(
      "set linetype 1 lc rgb '#0072b2'\nset linetype 2 lc rgb '#d55e00'\nset linetype 3 lc rgb '#009e73'\n"
      "set linetype 4 lc rgb '#cc79a7'\nset linetype 5 lc rgb '#56b4e9'\nset linetype 6 lc rgb '#e69f00'\n"
      "set linetype 7 lc rgb '#999999'\nset linetype 8 lc rgb '#000000'\nset linetype 9 lc rgb '#882255'\n"
      "set linetype 10 lc rgb '#44aa99'\nset linetype 11 lc rgb '#999933'\nset linetype 12 lc rgb '#332288'\n"
      "set lmargin 12\nset rmargin 4\nset border 3\nset xtics nomirror\nset ytics nomirror\n"
      "set grid back lt 1 lw 1 lc rgb '#dddddd'\nset key above left horizontal Left "
      "reverse\n",
      p->out);
  fprintf(p->out, "set xrange [0:%.9g]\n", p->end / p->time.factor);
  write_data(p);
  fprintf(p->out, "set multiplot layout %d,1 title ", several ? 4 : 2);
  quote(p->out, title);
  fputs(" noenhanced\n", p->out);
  (several ? draw_several : draw_one)(p);
  fputs("unset multiplot\n", p->out);
}
