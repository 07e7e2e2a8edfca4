/* The main program of a test of glibc's: what it calls TEST_FUNCTION, a call in its old tests and a name in
 * those that define COMPAT_BY_NAME here. A test that has to end by a signal passes if it does. */
#include "compat.h"

#if !defined(TEST_FUNCTION)
#define COMPAT_RUN do_test()
#elif defined(COMPAT_BY_NAME)
#define COMPAT_RUN TEST_FUNCTION()
#else
#define COMPAT_RUN TEST_FUNCTION
#endif

static int compat_run(void) {
  int result = COMPAT_RUN;
  return result ? result : compat_failures;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
#ifdef EXPECTED_SIGNAL
  int status = 0;
  pid_t child = xfork();
  if (child == 0)
    _exit(compat_run());
  xwaitpid(child, &status, 0);
  return !(WIFSIGNALED(status) && WTERMSIG(status) == EXPECTED_SIGNAL);
#else
  return compat_run();
#endif
}
