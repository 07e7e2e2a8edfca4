/* Functions with frames of many shapes. It is compiled several times: SHAPES is the name of the list then. */
#include "unwind_shapes.h"

#include <alloca.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#define CHANGES_RBP __asm__ volatile("xor %%ebp, %%ebp" ::: "rbp", "rbx", "r12", "r13", "r14", "r15")
#endif

static void plain(unwind_script *s) {
  unwind_next(s);
  s->returned++;
}

static void jumps(unwind_script *s) { unwind_next(s); }

static void has_array(unwind_script *s) {
  volatile char room[3000];
  room[unwind_number(s, sizeof room)] = 1;
  unwind_next(s);
  s->returned += room[0] == 1;
}

static void has_large_array(unwind_script *s) {
  volatile char room[20000];
  room[unwind_number(s, sizeof room)] = 1;
  unwind_next(s);
  s->returned += room[0] == 1;
}

static void allocates(unwind_script *s) {
  size_t size = 1 + unwind_number(s, 2000);
  volatile char *room = alloca(size);
  room[size - 1] = 1;
  unwind_next(s);
  s->returned += room[0] == 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"
static void has_variable_array(unwind_script *s) {
  size_t size = 1 + unwind_number(s, 2000);
  volatile char room[size];
  room[size - 1] = 1;
  unwind_next(s);
  s->returned += room[0] == 1;
}
#pragma GCC diagnostic pop

static void has_aligned(unwind_script *s) {
  _Alignas(64) volatile char room[256];
  room[unwind_number(s, sizeof room)] = 1;
  unwind_next(s);
  s->returned += (uintptr_t)room % 64 + (room[0] == 1);
}

static void has_aligned_and_allocates(unwind_script *s) {
  _Alignas(128) volatile char room[256];
  volatile char *more = alloca(1 + unwind_number(s, 500));
  more[0] = room[unwind_number(s, sizeof room)] = 1;
  unwind_next(s);
  s->returned += (uintptr_t)room % 128 + (room[0] == more[0]);
}

static __attribute__((noinline)) uint64_t sum(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                              uint64_t f, uint64_t g, uint64_t h, unwind_script *s) {
  _Alignas(64) volatile char room[64];
  room[0] = (char)h;
  unwind_next(s);
  return a + b + c + d + e + f + g + h + (uint64_t)room[0];
}

static void passes_much(unwind_script *s) {
  uint64_t n = unwind_number(s, 1000);
  s->returned += sum(n, n + 1, n + 2, n * 3, n * 4, n * 5, n * 6, n * 7, s);
}

/* It has more values alive than there are registers that a call keeps. */
static void keeps_much(unwind_script *s) {
  uint64_t a = unwind_number(s, 9), b = unwind_number(s, 9), c = unwind_number(s, 9), d = unwind_number(s, 9),
           e = unwind_number(s, 9), f = unwind_number(s, 9), g = unwind_number(s, 9), h = unwind_number(s, 9);
  unwind_next(s);
  s->returned += (a ^ b) * (c ^ d) * (e ^ f) * (g ^ h);
  unwind_number(s, a + b + c + d + e + f + g + h + 1);
}

static void leaves_early(unwind_script *s) {
  if (unwind_number(s, 3) == 0) {
    unwind_next(s);
    s->returned++;
    return;
  }
  volatile char room[500];
  room[unwind_number(s, sizeof room)] = 1;
  unwind_next(s);
  s->returned += room[0] == 1;
}

static __attribute__((noinline)) void recurses_until(unwind_script *s, uint64_t depth) {
  if (depth)
    recurses_until(s, depth - 1);
  else
    unwind_next(s);
  s->returned++;
}

static void recurses(unwind_script *s) { recurses_until(s, unwind_number(s, 8)); }

static __attribute__((noinline, noreturn)) void goes_on_and_jumps(unwind_script *s, jmp_buf *back) {
  unwind_next(s);
  s->returned++;
  longjmp(*back, 1);
}

/* Behind its last call there is no instruction: the return address is beyond its end. */
static __attribute__((noinline, noreturn)) void ends_with_a_call(unwind_script *s, jmp_buf *back) {
  goes_on_and_jumps(s, back);
}

static void does_not_return(unwind_script *s) {
  jmp_buf back;
  if (setjmp(back) == 0)
    ends_with_a_call(s, &back);
  s->returned++;
}

#if defined(CHANGES_RBP) && defined(SHAPES_OMIT_FRAME_POINTER)
static void has_no_frame_pointer(unwind_script *s) {
  unwind_script *volatile kept = s;
  CHANGES_RBP;
  unwind_next(kept);
  kept->returned++;
}
#endif

/* ---- by way of the C library ---- */

typedef struct element {
  unwind_script *s;
  uint64_t number;
} element;

static int compare_and_call(const void *a, const void *b) {
  const element *first = a, *second = b;
  unwind_script *s = first->s ? first->s : second->s;
  if (s) {
    ((element *)a)->s = NULL;
    ((element *)b)->s = NULL;
    unwind_next(s);
    s->returned++;
  }
  return first->number < second->number ? -1 : first->number > second->number;
}

static void sorts(unwind_script *s) {
  element elements[40];
  size_t count = 2 + unwind_number(s, 38);
  for (size_t i = 0; i < count; i++)
    elements[i] = (element){NULL, unwind_number(s, 100)};
  elements[unwind_number(s, count)].s = s;
  qsort(elements, count, sizeof elements[0], compare_and_call);
}

static void searches(unwind_script *s) {
  element elements[40], key = {s, unwind_number(s, 40)};
  for (size_t i = 0; i < 40; i++)
    elements[i] = (element){NULL, i};
  s->returned += bsearch(&key, elements, 40, sizeof elements[0], compare_and_call) != NULL;
}

static void finds(unwind_script *s) {
  element elements[3] = {{NULL, 1}, {s, 2}, {NULL, 3}}, key = {NULL, 3};
  size_t count = 3;
  s->returned += lfind(&key, elements, &count, sizeof elements[0], compare_and_call) != NULL;
}

static __thread unwind_script *of_once;

static void call_once(void) {
  unwind_script *s = of_once;
  unwind_next(s);
  s->returned++;
}

static void runs_once(unwind_script *s) {
  pthread_once_t once = PTHREAD_ONCE_INIT;
  of_once = s;
  pthread_once(&once, call_once);
  s->returned++;
}

unwind_shape *const SHAPES[] = {plain,
                                jumps,
                                has_array,
                                has_large_array,
                                allocates,
                                has_variable_array,
                                has_aligned,
                                has_aligned_and_allocates,
                                passes_much,
                                keeps_much,
                                leaves_early,
                                recurses,
                                does_not_return,
                                sorts,
                                searches,
                                finds,
                                runs_once,
#if defined(CHANGES_RBP) && defined(SHAPES_OMIT_FRAME_POINTER)
                                has_no_frame_pointer,
#endif
                                NULL};
