/* Runs a fuzz target on the files of a folder, without libFuzzer: how the corpus is part of the ordinary
 * tests. Says how many there were, and fails if there was none. Usage: TARGET DIRECTORY */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static void run(const char *directory, const char *name) {
  char path[4096];
  static uint8_t data[1 << 20];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *stream = fopen(path, "rb");
  if (!stream) {
    perror(path);
    exit(1);
  }
  size_t size = fread(data, 1, sizeof data, stream);
  fclose(stream);
  /* Of the input's own size, so that a read beyond its end is found. */
  uint8_t *input = malloc(size ? size : 1);
  for (size_t i = 0; i < size; i++)
    input[i] = data[i];
  fprintf(stderr, "%s\n", path);
  LLVMFuzzerTestOneInput(input, size);
  free(input);
}

int main(int argc, char **argv) {
  DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
  int count = 0;
  if (!directory) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.') {
      run(argv[1], entry->d_name);
      count++;
    }
  closedir(directory);
  fprintf(stderr, "%d inputs\n", count);
  return count == 0;
}
