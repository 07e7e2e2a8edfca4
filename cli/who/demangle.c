/* Has the C++ library take names apart. It is opened when the first name comes: the command is C, and works
 * without it. */
#include "cli/who/demangle.h"

#include "base/writer.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_SYMBOL 8192 /* what is longer takes the library long, and nobody reads it */

typedef char *(*demangle_function)(const char *symbol, char *buffer, size_t *size, int *status);

static demangle_function find_demangler(void) {
  static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1"};
  demangle_function found = NULL;
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries && !found; i++) {
    void *library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (library)
      *(void **)&found = dlsym(library, "__cxa_demangle");
  }
  return found;
}

void who_demangle(const char *symbol, char *out, size_t size) {
  static demangle_function demangle;
  static bool looked;
  int status;
  if (!looked)
    demangle = find_demangler();
  looked = true;
  bool mangled = strncmp(symbol, "_Z", 2) == 0 && strlen(symbol) < LONGEST_SYMBOL;
  char *name = demangle && mangled ? demangle(symbol, NULL, NULL, &status) : NULL;
  snprintf(out, size, "%s", name ? name : symbol);
  writer_make_printable(out);
  free(name);
}

/* ---- shorter ---- */

static bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Returns the length of an operator's name that has brackets in it, at `at`, or 0. */
static size_t operator_length(const char *name, const char *at) {
  static const char *const operators[] = {"()",  "<=>", "<<=", "<<",  "<=", "<",
                                          ">>=", ">>",  ">=",  "->*", "->", ">"};
  static const char word[] = "operator";
  size_t length = sizeof word - 1;
  if (strncmp(at, word, length) != 0 || (at > name && is_of_name(at[-1])))
    return 0;
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (strncmp(at + length, operators[i], strlen(operators[i])) == 0)
      return length + strlen(operators[i]);
  return 0;
}

typedef struct room {
  char *at, *end; /* the end is the place of the NUL */
} room;

static void put(room *t, const char *from, size_t length) {
  for (; length && t->at < t->end; length--)
    *t->at++ = *from++;
}

/* Copies what is in no brackets, but those of braces: spaces there are no ends of words. */
static void leave_brackets_out(const char *name, room *out) {
  static const char anonymous[] = "(anonymous namespace)";
  int brackets = 0, braces = 0;
  for (const char *at = name; *at;) {
    size_t length = operator_length(name, at);
    bool unnamed = !length && strncmp(at, anonymous, sizeof anonymous - 1) == 0;
    if (length || unnamed) {
      put(out, unnamed ? "{anon}" : at, brackets ? 0 : unnamed ? strlen("{anon}") : length);
      at += unnamed ? sizeof anonymous - 1 : length;
      continue;
    }
    if (!brackets && strncmp(at, " [clone", 7) == 0)
      break;
    char c = *at++;
    bool arrow = c == '-' && *at == '>';
    if (c == '<' || c == '(')
      brackets++;
    else if (c == '>' || c == ')')
      brackets -= brackets > 0;
    else if (!brackets)
      put(out, c == ' ' && braces ? "_" : &c, 1);
    braces += (c == '{') - (c == '}');
    at += arrow;
  }
}

/* Cuts off what qualifies the function. */
static void cut_qualifiers(char *text) {
  static const char *const qualifiers[] = {" const", " volatile", " &", " &&", " "};
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++) {
      size_t length = strlen(text), its = strlen(qualifiers[i]);
      if (length > its && strcmp(text + length - its, qualifiers[i]) == 0) {
        text[length - its] = 0;
        found = true;
      }
    }
  }
}

/* Cuts off what stands before the name, which has no spaces but behind "operator". */
static void cut_type(char *text) {
  char *conversion = strstr(text, "operator "), *end = conversion ? conversion : text + strlen(text),
       *last = NULL;
  for (char *at = text; at < end; at++)
    if (*at == ' ')
      last = at;
  if (last)
    memmove(text, last + 1, strlen(last + 1) + 1);
}

void who_shorten(const char *name, char *out, size_t size) {
  room t = {out, out + size - 1};
  leave_brackets_out(name, &t);
  *t.at = 0;
  cut_qualifiers(out);
  cut_type(out);
  if (!*out)
    snprintf(out, size, "%s", name);
}
