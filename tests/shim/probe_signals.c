/* What SIGBUS, or a fault, does to a program, by the first argument. Each has the same outcome with the shim
 * and without: a status, and what is printed.
 *
 *     raise, kill    SIGBUS is sent; nobody handles it
 *     fault          a page beyond the end of a file is touched
 *     ignored        SIGBUS is sent to a program that ignores it
 *     ignored-fault  such a page is touched there
 *     handler, nodefer, altstack   a handler looks at what it gets: code, sender, mask and stack
 *     once           its handler is for one signal (SA_RESETHAND), and two come
 *     jump           its handler leaves by siglongjmp, three times
 *     segv           a null pointer is followed */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char stack[65536];
static sigjmp_buf place;
static const char *what;

static void use_memory(void) {
  void *buffer;
  if (posix_memalign(&buffer, 64, 1000))
    abort();
  memset(buffer, 1, 1000);
  free(buffer);
}

static void say(const char *text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0)
    _exit(9);
}

static void on_signal(int number, siginfo_t *info, void *context) {
  sigset_t mask;
  char here;
  (void)context;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  say(number == SIGBUS ? "SIGBUS" : "another");
  say(info->si_code == SI_TKILL && info->si_pid == getpid() ? " sent" : " not sent");
  say(sigismember(&mask, SIGBUS) ? " blocked" : " open");
  say(sigismember(&mask, SIGUSR1) ? " masked" : " unmasked");
  say((uintptr_t)&here - (uintptr_t)stack < sizeof stack ? " aside\n" : " below\n");
}

static void leave(int number) {
  (void)number;
  siglongjmp(place, 1);
}

static void handle(int flags) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  sigaddset(&action.sa_mask, SIGUSR1);
  if (sigaction(SIGBUS, &action, NULL))
    abort();
}

static void touch_missing_page(void) {
  int fd = open("missing", O_RDWR | O_CREAT | O_TRUNC, 0600);
  volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED)
    abort();
  (void)page[0];
}

static int is(const char *word) { return strcmp(what, word) == 0; }

static void jump(void) {
  volatile int times = 0;
  if (sigsetjmp(place, 1))
    say("jumped\n");
  if (times++ < 3)
    raise(SIGBUS);
}

int main(int argc, char **argv) {
  what = argc > 1 ? argv[1] : "";
  if (is("handler") || is("nodefer") || is("altstack") || is("once"))
    handle(is("nodefer") ? SA_NODEFER : is("altstack") ? SA_ONSTACK : is("once") ? (int)SA_RESETHAND : 0);
  if (is("ignored") || is("ignored-fault"))
    signal(SIGBUS, SIG_IGN);
  if (is("jump"))
    signal(SIGBUS, leave);
  use_memory();
  if (is("jump"))
    jump();
  else if (is("fault") || is("ignored-fault"))
    touch_missing_page();
  else if (is("segv"))
    *(volatile int *)(intptr_t)(argc - 2) = 1;
  else if (is("kill"))
    kill(getpid(), SIGBUS);
  else
    raise(SIGBUS);
  use_memory();
  if (is("once"))
    raise(SIGBUS);
  say("went on\n");
  return 5;
}
