/* Prints the largest lines of a profile, as other commands get them. Usage: probe_top_lines FILE N */
#include "cli/who/who.h"

#include <stdlib.h>

int main(int argc, char **argv) {
  enum { MOST = 10 };
  who_top_line lines[MOST];
  size_t n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  if (n > MOST || !who_top_lines(argv[1], n, lines))
    return 1;
  for (size_t i = 0; i < n; i++)
    printf("%lld %.3f %d %s\n", (long long)lines[i].bytes, lines[i].share, lines[i].by_task, lines[i].text);
  return 0;
}
