/* Has libarrow make an arrow::Status. Its constructor copies the string it is given, so a std::string on the
 * stack will do, laid out as libstdc++ has it: since C++11 as in libarrow 13 and newer wheels, or
 * reference-counted before. */
#include "arrow/status.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define CODE_OUT_OF_MEMORY 1 /* arrow::StatusCode::OutOfMemory */

#define CONSTRUCTOR "_ZN5arrow6StatusC1ENS_10StatusCodeERKN"
#define NEW_STRING  CONSTRUCTOR "St7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define OLD_STRING  "_ZN5arrow6StatusC1ENS_10StatusCodeERKSs"

typedef struct new_string {
  char *text;
  size_t length, capacity, unused;
} new_string;

/* The reference-counted one is a pointer to the text behind this. */
typedef struct old_string {
  size_t length, capacity;
  long references; /* -1: it is not to be shared, but copied */
  char text[512];
} old_string;

void *arrow_status_out_of_memory(const arrow_layout *layout, const char *message) {
  struct {
    void *state, *unused;
  } status = {NULL, NULL};
  void (*construct)(void *status, signed char code, const void *string) =
      (void (*)(void *, signed char, const void *))dlsym(layout->library,
                                                         layout->old_string ? OLD_STRING : NEW_STRING);
  size_t length = strnlen(message, sizeof((old_string *)0)->text - 1);
  if (!construct)
    return NULL;
  if (layout->old_string) {
    old_string string = {length, length, -1, ""};
    char *text = string.text;
    memcpy(text, message, length);
    text[length] = 0;
    construct(&status, CODE_OUT_OF_MEMORY, &text);
  } else {
    construct(&status, CODE_OUT_OF_MEMORY, &(new_string){(char *)(ptrdiff_t)message, length, length, 0});
  }
  return status.state;
}
