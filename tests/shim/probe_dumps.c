/* Use the libc hook once, then have a dump written as often as the argument says, by the signal USR2
 * (ARROW_POOL_STATS_SIGNAL), each before the next one; then return, which writes the last one. */
#include <signal.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  void *buffer;
  if (argc != 2 || posix_memalign(&buffer, 64, 1000))
    return 1;
  for (int i = atoi(argv[1]); i > 0; i--)
    raise(SIGUSR2);
  return 0;
}
