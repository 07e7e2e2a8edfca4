/* What the tests of stacks have them made of: functions with frames of many shapes, which call one another as
 * a script has it. The same source is compiled in several ways (unwind_shapes.c), so that compilers lay the
 * frames out differently. */
#ifndef UNWIND_SHAPES_H
#define UNWIND_SHAPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unwind_script unwind_script;
struct unwind_script {
  uint64_t random;                /* the state of unit_random */
  int left;                       /* how many functions are still to be called */
  void (*leaf)(unwind_script *s); /* what the last of them calls */
  uint64_t returned; /* each adds to it when the next has returned, so that none ends with a jump */
};

typedef void unwind_shape(unwind_script *s);

/* Calls another function, or the leaf. */
void unwind_next(unwind_script *s);

/* A number below the bound. */
uint64_t unwind_number(unwind_script *s, uint64_t bound);

/* The functions, each list with NULL at its end. */
extern unwind_shape *const shapes_quick[], *const shapes_pointers[], *const shapes_debug[],
                                                                         *const shapes_realigned[];
extern unwind_shape *const shapes_cxx[];

#ifdef __cplusplus
}
#endif

#endif
