/* Threads, signals and children under strain, by the first argument; contents are checked throughout. Exit
 * status 0: everything held.
 *
 *     small-stacks       threads with the smallest stacks there are allocate, grow, free, fork and get
 * SIGUSR2 thread-data        only uses the pools, with more thread-local data than a small stack holds
 *     short-threads N    N threads one after the other; fails unless the process is as small after the last
 * as after the first 100. Prints its live bytes forks N            N children while threads grow buffers;
 * each grows and frees what it inherited, and forks again; they end by _exit, exit, exec and SIGKILL signals
 * N          N rounds, each with a SIGUSR2, while timers interrupt whatever can be spawn posix_spawn, and
 * vfork with exec, while threads grow buffers exec N keep|clear  N programs one after the other, each
 * allocates 1000 bytes more than the one before */
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SMALL   ((size_t)1000)
#define LARGE   ((size_t)100000)
#define LARGEST ((size_t)1200000) /* over the border of two sizes of slots */

extern char **environ;
static atomic_int done;
static const char *self;

#define MUST(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

static _Noreturn void fail(int line, const char *condition) {
  dprintf(STDERR_FILENO, "probe_life.c:%d: %s: %s\n", line, condition, strerror(errno));
  _Exit(1);
}

/* ---- buffers ---- */

typedef struct held {
  char *bytes;
  size_t size;
  char mark;
} held;

static void mark(held *h) { h->bytes[0] = h->bytes[h->size / 2] = h->bytes[h->size - 1] = h->mark; }

static void check(const held *h, size_t size) {
  MUST(h->bytes[0] == h->mark && h->bytes[size / 2] == h->mark && h->bytes[size - 1] == h->mark);
}

static held make(size_t size, char with) {
  held h = {NULL, size, with};
  MUST(posix_memalign((void **)&h.bytes, 64, size) == 0);
  mark(&h);
  return h;
}

static void grow(held *h, size_t size) {
  size_t before = h->size;
  h->bytes = realloc(hide(h->bytes), size);
  MUST(h->bytes);
  check(h, before);
  h->size = size;
  mark(h);
}

static void drop(held *h) {
  check(h, h->size);
  free(h->bytes);
}

static void churn(char with) {
  held small = make(SMALL, with), large = make(LARGE, with);
  grow(&small, 5 * SMALL);
  grow(&large, 4 * LARGE);
  grow(&large, LARGEST);
  drop(&small);
  drop(&large);
}

static void *churn_on(void *with) {
  while (!done) {
    churn((char)(uintptr_t)with);
    usleep(500); /* leaves room for the forks themselves */
  }
  return NULL;
}

static void expect(pid_t child, int wanted) {
  int status;
  MUST(child > 0);
  while (waitpid(child, &status, 0) < 0)
    MUST(errno == EINTR);
  if (status != wanted)
    dprintf(STDERR_FILENO, "status %x in place of %x\n", (unsigned)status, (unsigned)wanted);
  MUST(status == wanted);
}

/* ---- small stacks ---- */

static void *in_small_stack(void *with) {
  stack_t other = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  if ((uintptr_t)with % 2) /* every other thread takes its signals there */
    MUST(sigaltstack(&other, NULL) == 0);
  held inherited = make(LARGE, 9);
  for (int i = 0; i < 5; i++) {
    churn((char)(uintptr_t)with);
    raise(SIGUSR2);
    pid_t child = fork();
    if (child == 0) {
      grow(&inherited, LARGEST);
      drop(&inherited);
      churn(3);
      raise(SIGUSR2);
      _exit(7);
    }
    expect(child, 7 << 8);
  }
  drop(&inherited);
  if ((uintptr_t)with % 2)
    MUST(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL) == 0);
  free(other.ss_sp);
  return NULL;
}

static void small_stacks(void) {
  pthread_t threads[4];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  MUST(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
  for (uintptr_t i = 0; i < 4; i++)
    MUST(pthread_create(&threads[i], &attributes, in_small_stack, (void *)(i + 1)) == 0);
  for (int i = 0; i < 4; i++)
    MUST(pthread_join(threads[i], NULL) == 0);
}

/* ---- thread-local data ---- */

#ifndef THREAD_DATA /* bytes; more of it in a program of its own, since each thread's stack has to hold it   \
                     */
#define THREAD_DATA 16
#endif
static __thread char thread_data[THREAD_DATA];

static int count_threads(void) {
  char line[128];
  int count = 0;
  FILE *status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status))
    sscanf(line, "Threads: %d", &count);
  if (status)
    fclose(status);
  return count;
}

/* The thread starts with the first memory that is idle, and stays for the decay time. */
static void with_thread_data(void) {
  hide(thread_data);
  churn(5);
  CHECK(count_threads() == 2, "%d threads", count_threads());
}

/* ---- many threads ---- */

typedef struct footprint {
  long resident, mappings; /* KiB; lines of /proc/self/maps */
} footprint;

#define STRETCHES 5

static footprint measure(void) {
  footprint f = {0, 0};
  char line[128];
  /* statm is only about right: each processor has a count of its own, which is added now and then. */
  FILE *maps = fopen("/proc/self/maps", "re"), *rollup = fopen("/proc/self/smaps_rollup", "re");
  MUST(maps && rollup);
  for (int c; (c = getc(maps)) != EOF;)
    f.mappings += c == '\n';
  while (fgets(line, sizeof line, rollup))
    sscanf(line, "Rss: %ld", &f.resident);
  MUST(f.resident);
  fclose(maps);
  fclose(rollup);
  return f;
}

static void *in_short_thread(void *with) {
  held *stays = with;
  churn(6);
  *stays = make(SMALL, 6); /* its last is freed by another thread */
  return NULL;
}

/* The least growth in one of the stretches: what each thread leaves behind is in all of them, and what the
 * process takes once, such as a huge page, is in one. */
static footprint least_growth(const footprint at[STRETCHES + 1]) {
  footprint least = {LONG_MAX, LONG_MAX};
  for (int i = 1; i <= STRETCHES; i++) {
    long resident = at[i].resident - at[i - 1].resident, mappings = at[i].mappings - at[i - 1].mappings;
    least.resident = resident < least.resident ? resident : least.resident;
    least.mappings = mappings < least.mappings ? mappings : least.mappings;
  }
  return least;
}

static void short_threads(int count) {
  int stretch = count / (STRETCHES + 1); /* the first of them warms up */
  footprint at[STRETCHES + 1];
  held kept[2] = {{NULL, 0, 0}};
  for (int i = 0; i < stretch * (STRETCHES + 1); i++) {
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, in_short_thread, &kept[i % 2]) == 0);
    MUST(pthread_join(thread, NULL) == 0);
    if (kept[(i + 1) % 2].bytes)
      drop(&kept[(i + 1) % 2]);
    if (i % stretch == stretch - 1)
      at[i / stretch] = measure();
  }
  footprint grown = least_growth(at); /* a page or a mapping of each thread would be four times as much */
  CHECK(grown.resident < stretch, "%ld KiB more with each %d threads", grown.resident, stretch);
  CHECK(grown.mappings < stretch / 4, "%ld mappings more with each %d threads", grown.mappings, stretch);
  printf("%ld\n", (long)SMALL);
}

/* ---- forks ---- */

static void in_child(held *inherited, int way) {
  static char *const arguments[] = {(char *)"true", NULL};
  grow(inherited, LARGEST + LARGE);
  pid_t grandchild = fork();
  if (grandchild == 0) {
    churn(2);
    drop(inherited);
    _exit(3);
  }
  expect(grandchild, 3 << 8);
  drop(inherited);
  churn(4);
  if (way == 0)
    _exit(7);
  if (way == 1)
    exit(7);
  if (way == 2)
    execv("/bin/true", arguments);
  raise(SIGKILL);
}

static void fork_often(int count) {
  static const int wanted[] = {7 << 8, 7 << 8, 0, SIGKILL};
  for (int i = 0; i < count; i++) {
    held inherited = make(i % 2 ? SMALL : LARGE, 8);
    pid_t child = fork();
    if (child == 0)
      in_child(&inherited, i % 4);
    if (i % 5 == 0)
      raise(SIGUSR2);
    expect(child, wanted[i % 4]);
    drop(&inherited);
  }
}

static void spawn_often(void) {
  char *const arguments[] = {(char *)"true", NULL};
  for (int i = 0; i < 100; i++) {
    pid_t child;
    MUST(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) == 0);
    expect(child, 0);
    MUST(posix_spawn(&child, "/nonexistent/program", NULL, NULL, arguments, environ) == ENOENT);
    if ((child = vfork()) == 0) {
      execv("/bin/true", arguments);
      _exit(127);
    }
    expect(child, 0);
  }
}

static void with_threads(void (*what)(int), int count) {
  pthread_t threads[3];
  for (uintptr_t i = 0; i < 3; i++)
    MUST(pthread_create(&threads[i], NULL, churn_on, (void *)(i + 20)) == 0);
  what(count);
  done = 1;
  for (int i = 0; i < 3; i++)
    MUST(pthread_join(threads[i], NULL) == 0);
}

static void spawn_some(int unused) {
  (void)unused;
  spawn_often();
}

/* ---- signals ---- */

static atomic_long ticks;

static void on_tick(int number) {
  (void)number;
  int saved = errno;
  struct timespec now;
  ticks++;
  clock_gettime(CLOCK_MONOTONIC, &now);
  errno = saved;
}

/* No SA_RESTART: whatever can be interrupted is. */
static void interrupt_everything(void) {
  struct sigaction action = {.sa_handler = on_tick};
  static const struct itimerval often = {{0, 100}, {0, 100}};
  MUST(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGPROF, &action, NULL) == 0);
  MUST(setitimer(ITIMER_REAL, &often, NULL) == 0 && setitimer(ITIMER_PROF, &often, NULL) == 0);
}

static void signals(int rounds) {
  interrupt_everything();
  for (int i = 0; i < rounds || ticks < 1000; i++) {
    churn(7);
    raise(SIGUSR2);
  }
}

/* ---- exec ---- */

static void exec_chain(int count, const char *keep) {
  static char *none[] = {NULL};
  char number[16];
  make(SMALL * (size_t)(6 - count), 1);
  if (count == 1)
    return;
  snprintf(number, sizeof number, "%d", count - 1);
  execve(self, (char *[]){(char *)self, (char *)"exec", number, (char *)keep, NULL},
         strcmp(keep, "clear") == 0 ? none : environ);
  fail(__LINE__, "exec");
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int count = argc > 2 ? atoi(argv[2]) : 0;
  self = argv[0];
  struct sigaction theirs;
  if (sigaction(SIGUSR2, NULL, &theirs) == 0 && theirs.sa_handler == SIG_DFL)
    signal(SIGUSR2, SIG_IGN);
  if (strcmp(what, "small-stacks") == 0)
    small_stacks();
  else if (strcmp(what, "thread-data") == 0)
    with_thread_data();
  else if (strcmp(what, "short-threads") == 0)
    short_threads(count);
  else if (strcmp(what, "forks") == 0)
    with_threads(fork_often, count);
  else if (strcmp(what, "spawn") == 0)
    with_threads(spawn_some, 0);
  else if (strcmp(what, "signals") == 0)
    signals(count);
  else if (strcmp(what, "exec") == 0 && argc > 3)
    exec_chain(count, argv[3]);
  else
    return 2;
  return probe_failures != 0;
}
