/* Has the counters ask the interpreter whether it ends. */
#include "report/interpreter.h"

#include "counters/counters.h"
#include "profile/python_runtime.h"

#include <stdatomic.h>
#include <stdbool.h>

static _Atomic bool watches;

void interpreter_watch(void) {
  atomic_store(&watches, true);
  interpreter_look();
}

void interpreter_look(void) {
  if (!atomic_load(&watches) || counters_watches_end())
    return;
  python_runtime_is_ending *is_ending = python_runtime_find_end();
  if (is_ending)
    counters_watch_end(is_ending);
}
