/* What the tests of profiles have done to a process. It holds buffers of 8 MiB, each of which a profile with
 * a mean of 64 KiB or less has for certain. By the first argument:
 *
 *     hold COUNT WAY   COUNT of them, and then the end: return, thread (exit in another one), quick_exit,
 *                      _exit, abort, kill
 *     fork             3; a child frees one, takes 2 of its own and waits; so does the parent
 *     fork-threads     the same, while four threads allocate and free
 *     vfork            the child of a vfork takes a buffer first, frees it, and becomes /bin/true; then 3
 *     exec PROGRAM...  3, then it becomes PROGRAM
 *     daemon           3, after a daemon() and all descriptors closed, elsewhere; waits then
 *     after COMMAND    3, then the shell's COMMAND, then threads allocate, grow and free; takes 2 more; waits
 *     handler          a handler of a signal forks, over and over, wherever it comes; both sides go on
 *     altstack BYTES   a handler on a stack of so many bytes allocates, grows and frees
 *     small-stacks     threads with the smallest stacks there are do
 *     churn            threads allocate, grow and free without end
 *     cancel           threads that do are cancelled
 *
 * Where it waits it says "ready", and ends at a line of its stdin. */
#include "probe.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE   ((size_t)8 << 20)
#define THREADS 4

static atomic_bool is_over;
static char *held[8];

static char *take(size_t size) {
  void *buffer;
  if (posix_memalign(&buffer, 64, size))
    abort();
  memset(buffer, 1, size < 4096 ? size : 4096);
  return buffer;
}

static void hold(int from, int count) {
  for (int i = from; i < from + count; i++)
    held[i] = take(LARGE);
}

static void wait_for_stdin(void) {
  char c;
  puts("ready");
  fflush(stdout);
  if (read(0, &c, 1) < 0)
    abort();
}

static void wait_for(pid_t child, int expected) {
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != expected) {
    fprintf(stderr, "the child's status is %x\n", (unsigned)status);
    abort();
  }
}

/* Buffers of 64 bytes to 1 MiB that come, grow, shrink and go. */
static void use_memory(int rounds) {
  char *buffers[16] = {0};
  uint64_t random = (uintptr_t)&random | 1;
  for (int i = 0; i < rounds; i++) {
    random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    int k = (int)(random >> 60);
    size_t size = (size_t)64 << (random >> 40) % 15;
    if (buffers[k] && random >> 59 & 1) {
      buffers[k] = realloc(buffers[k], size);
    } else {
      free(buffers[k]);
      buffers[k] = take(size);
    }
    buffers[k][size - 1] = 2;
  }
  for (int k = 0; k < 16; k++)
    free(buffers[k]);
}

static void *use_memory_until_over(void *unused) {
  while (!is_over)
    use_memory(100);
  return unused;
}

static void start_threads(pthread_t threads[THREADS]) {
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, use_memory_until_over, NULL))
      abort();
}

static void end_threads(pthread_t threads[THREADS]) {
  is_over = true;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  is_over = false;
}

/* ---- ends ---- */

static void *end_process(void *unused) {
  (void)unused;
  exit(0);
}

static int end_by(const char *way) {
  pthread_t thread;
  if (strcmp(way, "thread") == 0 && pthread_create(&thread, NULL, end_process, NULL) == 0)
    pthread_join(thread, NULL);
  if (strcmp(way, "quick_exit") == 0)
    quick_exit(0);
  if (strcmp(way, "_exit") == 0)
    _exit(0);
  if (strcmp(way, "abort") == 0)
    abort();
  if (strcmp(way, "kill") == 0)
    kill(getpid(), SIGKILL);
  return strcmp(way, "return") != 0;
}

/* ---- children ---- */

static void fork_and_wait(bool with_threads) {
  pthread_t threads[THREADS];
  hold(0, 3);
  if (with_threads)
    start_threads(threads);
  pid_t child = fork();
  if (child == 0) {
    free(held[0]);
    hold(3, 2);
    use_memory(1000);
    kill(getpid(), SIGSTOP);
    _exit(0);
  }
  int status;
  if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
    abort();
  if (with_threads)
    end_threads(threads);
  printf("%d ", (int)child);
  wait_for_stdin();
  kill(child, SIGCONT);
  wait_for(child, 0);
}

static void vfork_first(void) {
  pid_t child = vfork();
  if (child == 0) {
    free(take(LARGE));
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
  }
  wait_for(child, 0);
  hold(0, 3);
  wait_for_stdin();
}

/* ---- signals ---- */

static volatile sig_atomic_t forks;
static volatile sig_atomic_t is_child;

static void fork_here(int number) {
  (void)number;
  if (is_child)
    return;
  pid_t child = fork();
  if (child == 0) {
    is_child = true;
    return;
  }
  wait_for(child, 0);
  forks++;
}

/* The next signal comes only when the program has gone on after the last one. */
static void fork_in_handlers(void) {
  if (signal(SIGALRM, fork_here) == SIG_ERR)
    abort();
  while (forks < 300 && !is_child) {
    const struct itimerval once = {{0, 0}, {0, 1 + forks * 37 % 400}};
    int before = forks;
    if (setitimer(ITIMER_REAL, &once, NULL))
      abort();
    while (forks == before && !is_child)
      use_memory(50);
  }
  use_memory(500); /* a child goes on as well */
  if (is_child)
    _exit(0);
}

static void use_some_memory(int number) {
  (void)number;
  use_memory(200);
}

/* A page below the stack cannot be touched. */
static void allocate_on_altstack(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
  char *memory = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE))
    abort();
  const stack_t stack = {.ss_sp = memory + page + whole - size, .ss_size = size};
  const struct sigaction action = {.sa_handler = use_some_memory, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
    abort();
  use_memory(1000); /* what a first call has to do is no business of the handler's */
  for (int i = 0; i < 50; i++)
    raise(SIGUSR1);
}

/* ---- threads ---- */

static void *use_memory_and_end(void *unused) {
  use_memory(500);
  return unused;
}

static void use_small_stacks(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN))
    abort();
  for (int i = 0; i < 50; i++) {
    if (pthread_create(&thread, &attributes, use_memory_and_end, NULL))
      abort();
    pthread_join(thread, NULL);
  }
}

static void *use_memory_until_cancelled(void *unused) {
  for (;;) {
    use_memory(10);
    pthread_testcancel();
  }
  return unused;
}

static void cancel_threads(void) {
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, use_memory_until_cancelled, NULL))
      abort();
    usleep((unsigned)(i * 37 % 3000));
    pthread_cancel(thread);
    pthread_join(thread, NULL);
  }
}

/* ---- the rest ---- */

static void become_daemon(void) {
  if (daemon(0, 1))
    abort();
  for (int fd = 3; fd < 1024; fd++)
    close(fd);
  hold(0, 3);
  printf("%d ", (int)getpid());
  wait_for_stdin();
}

static void hold_and_run(const char *command) {
  pthread_t threads[THREADS];
  hold(0, 3);
  if (system(command))
    abort();
  start_threads(threads);
  use_memory(2000);
  end_threads(threads);
  hold(3, 2);
  for (int i = 0; i < 5; i++)
    CHECK(held[i][77] == 1, "%d: overwritten", i);
  wait_for_stdin();
}

static void churn(void) {
  pthread_t threads[THREADS];
  start_threads(threads);
  pthread_join(threads[0], NULL);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
#define IS(word) (strcmp(what, word) == 0)
  if (IS("hold")) {
    hold(0, atoi(argv[2]));
    return end_by(argv[3]);
  }
  if (IS("exec")) {
    hold(0, 3);
    execv(argv[2], argv + 2);
    return 127;
  }
  if (IS("fork") || IS("fork-threads"))
    fork_and_wait(IS("fork-threads"));
  else if (IS("vfork"))
    vfork_first();
  else if (IS("daemon"))
    become_daemon();
  else if (IS("after"))
    hold_and_run(argv[2]);
  else if (IS("handler"))
    fork_in_handlers();
  else if (IS("altstack"))
    allocate_on_altstack(strtoul(argv[2], NULL, 10));
  else if (IS("small-stacks"))
    use_small_stacks();
  else if (IS("churn"))
    churn();
  else if (IS("cancel"))
    cancel_threads();
  else
    return 2;
  return probe_failures != 0;
}
