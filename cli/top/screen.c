/* `arrowpool top` on a terminal waits for the clock, keys and signals, one at a time. Signals are blocked and
 * read from a descriptor, so no handler runs in the midst of curses; those that end or stop the program take
 * effect after the terminal was restored. */
#include "cli/top/screen.h"

#include "base/clock.h"
#include "cli/base/cli.h"
#include "cli/top/cells.h"
#include "cli/top/draw.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct screen {
  top_view *view;
  top_drawing drawing;
  char typed[sizeof((top_model *)0)->filter]; /* the filter, while it is being typed */
  bool done;
  bool stale; /* the lines have to be arranged anew */
} screen;

enum { KEY_ESCAPE = 27, KEY_RETURN = '\r' };

/* ---- keys ---- */

static void move_selection(top_model *m, int64_t by) {
  int64_t to = (int64_t)m->selected + by, last = (int64_t)m->line_count - 1;
  m->selected = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
}

static void expand(screen *s, int how) {
  top_model *m = &s->view->model;
  if (m->selected >= m->line_count)
    return;
  top_process *p = m->lines[m->selected].process;
  p->expanded = how ? how > 0 : !p->expanded;
  s->stale = true;
}

static void change_interval(top_view *v, int step) {
  static const int64_t intervals[] = {CLI_SHORTEST, 200,   500,   1000,   2000,   5000,
                                      10000,        30000, 60000, 300000, 900000, CLI_LONGEST};
  int count = sizeof intervals / sizeof *intervals, at = step > 0 ? 0 : count - 1;
  while (at >= 0 && at < count && (step > 0 ? intervals[at] <= v->interval : intervals[at] >= v->interval))
    at += step;
  if (at >= 0 && at < count)
    v->interval = intervals[at];
}

/* The filter holds while it is being typed. */
static void type(screen *s, int key) {
  size_t length = strlen(s->typed);
  if (key == KEY_ESCAPE)
    s->typed[0] = 0;
  else if (key == KEY_BACKSPACE || key == 127 || key == '\b')
    s->typed[length ? length - 1 : 0] = 0;
  else if (key >= ' ' && key <= 255 && length + 1 < sizeof s->typed)
    memcpy(s->typed + length, (char[]){(char)key, 0}, 2);
  if (key == KEY_ESCAPE || key == KEY_RETURN || key == '\n' || key == KEY_ENTER)
    s->drawing.prompt = NULL;
  strcpy(s->view->model.filter, s->typed);
  s->stale = true;
}

static void sort_by(screen *s, int step) {
  top_model *m = &s->view->model;
  m->sort = top_next_sort(m->sort, step);
  s->stale = true;
}

static void act(screen *s, int key) {
  top_model *m = &s->view->model;
  switch (key) {
  case 'q':
    s->done = true;
    break;
  case 'h':
  case '?':
    s->drawing.help = true;
    break;
  case 'k':
  case KEY_UP:
    move_selection(m, -1);
    break;
  case 'j':
  case KEY_DOWN:
    move_selection(m, 1);
    break;
  case KEY_PPAGE:
    move_selection(m, -s->drawing.rows);
    break;
  case KEY_NPAGE:
    move_selection(m, s->drawing.rows);
    break;
  case KEY_HOME:
    move_selection(m, -(int64_t)m->line_count);
    break;
  case KEY_END:
    move_selection(m, (int64_t)m->line_count);
    break;
  case ' ':
  case '\n':
  case KEY_RETURN:
  case KEY_ENTER:
    expand(s, 0);
    break;
  case KEY_LEFT:
    expand(s, -1);
    break;
  case KEY_RIGHT:
    expand(s, 1);
    break;
  case 'w':
    s->view->shows_held = !s->view->shows_held;
    s->view->held_of = NULL;
    break;
  case 't':
    top_model_show_programs(m, !m->by_program);
    s->stale = true;
    break;
  case 'p':
    top_model_show_pools(m, !m->pools);
    s->stale = true;
    break;
  case 's':
    sort_by(s, 1);
    break;
  case 'S':
    sort_by(s, -1);
    break;
  case 'r':
    m->reverse = !m->reverse;
    s->stale = true;
    break;
  case '/':
    strcpy(s->typed, m->filter);
    s->drawing.prompt = s->typed;
    break;
  case KEY_ESCAPE:
    m->filter[0] = 0;
    s->stale = true;
    break;
  case '+':
  case '=':
    change_interval(s->view, 1);
    break;
  case '-':
    change_interval(s->view, -1);
    break;
  default:
    break;
  }
}

static void read_keys(screen *s) {
  for (int key; !s->done && (key = getch()) != ERR;)
    if (s->drawing.help)
      s->drawing.help = false;
    else if (s->drawing.prompt)
      type(s, key);
    else
      act(s, key);
}

/* ---- signals ---- */

static void resize(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
    resizeterm(size.ws_row, size.ws_col);
}

/* Returns the signal that ends the program, or 0. */
static int read_signals(int signals) {
  struct signalfd_siginfo got;
  while (read(signals, &got, sizeof got) == sizeof got)
    switch (got.ssi_signo) {
    case SIGWINCH:
      resize();
      break;
    case SIGTSTP:
      endwin();
      raise(SIGSTOP);
      resize();
      clearok(curscr, TRUE);
      break;
    default:
      return (int)got.ssi_signo;
    }
  return 0;
}

/* ---- the loop ---- */

/* Returns the signal that ended it, or 0 if the user did. */
static int loop(screen *s, int signals) {
  struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  int64_t last = clock_milliseconds();
  top_refresh(s->view);
  while (!s->done) {
    if (s->stale)
      top_model_arrange(&s->view->model);
    s->stale = false;
    if (s->view->held_of != top_selected(s->view))
      top_read_held(s->view);
    top_draw(&s->drawing);
    int64_t wait = last + s->view->interval - clock_milliseconds();
    poll(waits, 2, wait > 0 ? (int)wait : 0);
    int signal = waits[1].revents ? read_signals(signals) : 0;
    if (signal)
      return signal;
    if (waits[0].revents & POLLIN)
      read_keys(s);
    else if (waits[0].revents)
      return SIGHUP; /* the terminal is gone */
    if (clock_milliseconds() - last >= s->view->interval) {
      last = clock_milliseconds();
      top_refresh(s->view);
      top_read_held(s->view);
    }
  }
  return 0;
}

/* Ends as if the signal had arrived without us between. */
static int end_by(int signal) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  struct sigaction fatal = {.sa_handler = SIG_DFL};
  sigaction(signal, &fatal, NULL);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &only, NULL);
  return CLI_FAILURE;
}

/* Restores the terminal at exit: where there is no memory the command ends, and leaves it as it was. */
static void restore(void) {
  if (!isendwin())
    endwin();
}

int top_screen(top_view *v) {
  static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
  screen s = {.view = v, .drawing.view = v};
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
    sigaddset(&set, handled[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0)
    return cli_failure("top: %s", strerror(errno));
  setlocale(LC_CTYPE, "");
  s.drawing.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  set_escdelay(25);
  const char *terminal = getenv("TERM");
  SCREEN *curses = newterm(NULL, stdout, stdin);
  if (!curses)
    return cli_failure("top: TERM=%s: a terminal that cannot be drawn on; --once prints text",
                       terminal ? terminal : "");
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  top_draw_start();
  atexit(restore);
  int signal = loop(&s, signals);
  endwin();
  delscreen(curses);
  close(signals);
  return signal ? end_by(signal) : CLI_OK;
}
