/* A library that calls back, for the tests to load and to unload. It is compiled with frames of different
 * sizes (WORDS) but the same instructions, so that one takes the place of another. */
#include <stddef.h>
#include <stdint.h>

int plugin_data = 1;

void plugin_call(void (*back)(void *), void *data, uint64_t fill);
void plugin_call(void (*back)(void *), void *data, uint64_t fill) {
  volatile uint64_t room[WORDS];
  for (size_t i = 0; i < WORDS; i++)
    room[i] = fill;
  back(data);
  room[0] = room[WORDS - 1];
}
