/* What glibc's own tests of malloc take from its test support, as far as they need it: checks that note a
 * failure, calls that end the test when they fail, and the main program. run puts the names under which they
 * include it into the folder of the fetched tests. */
#ifndef COMPAT_H
#define COMPAT_H

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_UNSUPPORTED 77
#define DEFAULT_TIMEOUT  20
#define DIAG_PUSH_NEEDS_COMMENT
#define DIAG_POP_NEEDS_COMMENT
#define DIAG_IGNORE_NEEDS_COMMENT(version, option)
#define DIAG_IGNORE_Os_NEEDS_COMMENT(version, option)
#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static int compat_failures;

#define FAIL(...)                                                                                            \
  do {                                                                                                       \
    printf("%s:%d: ", __FILE__, __LINE__);                                                                   \
    printf(__VA_ARGS__);                                                                                     \
    puts("");                                                                                                \
    compat_failures = 1;                                                                                     \
  } while (0)
#define FAIL_EXIT1(...)                                                                                      \
  do {                                                                                                       \
    FAIL(__VA_ARGS__);                                                                                       \
    exit(1);                                                                                                 \
  } while (0)
#define TEST_VERIFY(condition)                                                                               \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      FAIL("not true: %s", #condition);                                                                      \
  } while (0)
#define TEST_VERIFY_EXIT(condition)                                                                          \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      FAIL_EXIT1("not true: %s", #condition);                                                                \
  } while (0)
#define TEST_COMPARE(left, right)                                                                            \
  do {                                                                                                       \
    long long left_ = (long long)(left), right_ = (long long)(right);                                        \
    if (left_ != right_)                                                                                     \
      FAIL("%s is %lld, %s is %lld", #left, left_, #right, right_);                                          \
  } while (0)
#define TEST_COMPARE_BLOB(left, left_size, right, right_size)                                                \
  TEST_VERIFY((left_size) == (right_size) && memcmp(left, right, left_size) == 0)

static inline void write_message(const char *text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0)
    compat_failures = 1;
}

static inline void *compat_pointer(void *pointer) {
  TEST_VERIFY_EXIT(pointer);
  return pointer;
}
#define xmalloc(size)        compat_pointer(malloc(size))
#define xcalloc(count, size) compat_pointer(calloc(count, size))

#define COMPAT_CALL(call)                                                                                    \
  do {                                                                                                       \
    int error_ = call;                                                                                       \
    if (error_)                                                                                              \
      FAIL_EXIT1("%s: %s", #call, strerror(error_));                                                         \
  } while (0)
#define xpthread_barrier_init(...)           COMPAT_CALL(pthread_barrier_init(__VA_ARGS__))
#define xpthread_barrier_destroy(...)        COMPAT_CALL(pthread_barrier_destroy(__VA_ARGS__))
#define xpthread_barrierattr_init(...)       COMPAT_CALL(pthread_barrierattr_init(__VA_ARGS__))
#define xpthread_barrierattr_setpshared(...) COMPAT_CALL(pthread_barrierattr_setpshared(__VA_ARGS__))
#define xpthread_barrierattr_destroy(...)    COMPAT_CALL(pthread_barrierattr_destroy(__VA_ARGS__))
#define xpthread_kill(...)                   COMPAT_CALL(pthread_kill(__VA_ARGS__))

static inline void xpthread_barrier_wait(pthread_barrier_t *barrier) {
  int result = pthread_barrier_wait(barrier);
  TEST_VERIFY_EXIT(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}

static inline pthread_t xpthread_create(pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  pthread_t thread;
  COMPAT_CALL(pthread_create(&thread, attributes, run, context));
  return thread;
}

static inline void *xpthread_join(pthread_t thread) {
  void *result;
  COMPAT_CALL(pthread_join(thread, &result));
  return result;
}

static inline pid_t xfork(void) {
  pid_t child = fork();
  TEST_VERIFY_EXIT(child >= 0);
  return child;
}

static inline int xwaitpid(pid_t child, int *status, int flags) {
  pid_t waited = waitpid(child, status, flags);
  TEST_VERIFY_EXIT(waited >= 0);
  return waited;
}

static inline void xsignal(int number, void (*handler)(int)) {
  TEST_VERIFY_EXIT(signal(number, handler) != SIG_ERR);
}

static inline void *support_shared_allocate(size_t size) {
  void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);
  TEST_VERIFY_EXIT(shared != MAP_FAILED);
  return shared;
}
static inline void support_shared_free(void *shared) { (void)shared; }

static inline void *xmmap(void *address, size_t size, int protection, int flags, int fd) {
  void *mapped = mmap(address, size, protection, flags, fd, 0);
  TEST_VERIFY_EXIT(mapped != MAP_FAILED);
  return mapped;
}

static inline int xopen(const char *path, int flags, mode_t mode) {
  int fd = open(path, flags, mode);
  TEST_VERIFY_EXIT(fd >= 0);
  return fd;
}

static inline int create_temp_file(const char *base, char **name) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/%s.XXXXXX", base);
  int fd = mkstemp(path);
  if (fd >= 0 && name)
    *name = strdup(path); /* the test frees it */
  return fd;
}

static inline void ignore_stderr(void) { TEST_VERIFY_EXIT(freopen("/dev/null", "w", stderr)); }

#endif
