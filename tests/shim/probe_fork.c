/* Fork again and again while other threads allocate, reallocate and free; each child does so too, and ends
 * by _exit, where it must not hang either. Argument: the number of forks. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3

static atomic_bool done;

static int churn(unsigned rounds, unsigned seed) {
  for (unsigned i = 0; i < rounds; i++) {
    void *small, *large;
    seed = seed * 1103515245 + 12345;
    if (posix_memalign(&small, 64, 1 + seed % 5000) || posix_memalign(&large, 64, 70000 + seed % 200000))
      return 1;
    memset(small, 1, 1);
    char *grown = realloc(large, 500000 + seed % 100000);
    if (!grown)
      return 1;
    grown[70000] = 1;
    free(small);
    free(grown);
  }
  return 0;
}

static void *body(void *seed) {
  while (!done)
    if (churn(10, (unsigned)(uintptr_t)seed))
      abort();
  return NULL;
}

int main(int argc, char **argv) {
  int forks = argc > 1 ? atoi(argv[1]) : 100;
  pthread_t threads[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, body, (void *)(i + 1)))
      return 1;
  for (int i = 0; i < forks; i++) {
    pid_t child = fork();
    if (child == 0)
      _exit(churn(5, (unsigned)i) ? 1 : 7);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7) {
      fprintf(stderr, "fork %d: status %x\n", i, (unsigned)status);
      return 1;
    }
  }
  done = 1;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
