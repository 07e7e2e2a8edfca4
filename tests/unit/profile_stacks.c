/* Goes down by one of two calls for each bit, which have return addresses of their own. */
#include "profile_stacks.h"

/* NOLINTNEXTLINE(misc-no-recursion): the frames are what is wanted */
__attribute__((noinline)) void *profile_stacks_call(unsigned way, int bits, void *(*function)(void *),
                                                    void *argument) {
  void *result;
  if (bits == 0) {
    result = function(argument);
  } else if (way & 1) {
    result = profile_stacks_call(way >> 1, bits - 1, function, argument);
    __asm__ volatile("" ::: "memory"); /* or it would be a jump */
  } else {
    result = profile_stacks_call(way >> 1, bits - 1, function, argument);
    __asm__ volatile("nop" ::: "memory"); /* or both calls would be one */
  }
  return result;
}
