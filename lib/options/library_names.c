/* Compares names with paths, by hand: libc's fnmatch depends on the locale and may allocate. */
#include "options/library_names.h"

#include "counters/fields.h"

#include <string.h>

#define HASH_LENGTH 8 /* letters that auditwheel puts behind the name of a library that it copies */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hexadecimal(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool same(library_name a, library_name b) {
  return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static library_name name_of_text(const char *text) { return (library_name){text, strlen(text)}; }

bool library_names_next(const char **list, library_name *out) {
  if (!*list)
    return false;
  *out = (library_name){*list, strcspn(*list, ",")};
  *list += out->length;
  *list = **list ? *list + 1 : NULL;
  return true;
}

/* ---- what a file is called ---- */

static library_name base_of(library_name path) {
  for (size_t i = path.length; i--;)
    if (path.text[i] == '/')
      return (library_name){path.text + i + 1, path.length - i - 1};
  return path;
}

static library_name without_lib(library_name name) {
  bool has = name.length > 3 && memcmp(name.text, "lib", 3) == 0 && name.text[3] != '.';
  return has ? (library_name){name.text + 3, name.length - 3} : name;
}

/* Takes off a version or a hash: "-2", "-53ba6fb7". */
static library_name without_version(library_name name) {
  size_t digits = 0, letters = 0;
  while (letters < name.length && is_hexadecimal(name.text[name.length - 1 - letters])) {
    digits += is_digit(name.text[name.length - 1 - letters]);
    letters++;
  }
  bool has = letters && (letters == digits || letters == HASH_LENGTH) && letters + 1 < name.length &&
             name.text[name.length - 1 - letters] == '-';
  return has ? (library_name){name.text, name.length - letters - 1} : name;
}

static library_name name_of_file(library_name path) {
  library_name base = without_lib(base_of(path));
  for (size_t i = 1; i < base.length; i++)
    if (base.text[i] == '.')
      base.length = i;
  return without_version(base);
}

library_name library_names_of(const char *path) { return name_of_file(name_of_text(path)); }

/* ---- matching ---- */

bool library_names_is_pattern(library_name name) {
  for (size_t i = 0; i < name.length; i++)
    if (strchr("/*?", name.text[i]))
      return true;
  return false;
}

/* The last `*` takes as few letters as it can, and one more each time what comes behind it does not fit. */
static bool fits_pattern(library_name pattern, const char *path) {
  size_t at = 0, star = 0;
  const char *taken = NULL;
  while (*path) {
    if (at < pattern.length && pattern.text[at] == '*') {
      star = ++at;
      taken = path;
    } else if (at < pattern.length && (pattern.text[at] == '?' || pattern.text[at] == *path)) {
      at++;
      path++;
    } else if (taken) {
      at = star;
      path = ++taken;
    } else {
      return false;
    }
  }
  while (at < pattern.length && pattern.text[at] == '*')
    at++;
  return at == pattern.length;
}

/* Returns where the path goes on in the folder of Python's packages that it lies in; NULL: in none. */
static const char *within_packages(const char *path) {
  const char *site = strstr(path, "/site-packages/"), *dist = strstr(path, "/dist-packages/");
  const char *packages = site ? site : dist;
  return packages ? packages + sizeof "/site-packages/" - 1 : NULL;
}

/* Returns whether the path is of the package of that name, which has dots between its parts. Libraries that
 * were copied lie in a folder beside it, which its own find by `..`. */
static bool is_of_package(library_name name, const char *path) {
  const char *at = within_packages(path);
  for (size_t i = 0; at && i < name.length; i++, at++)
    if (*at != (name.text[i] == '.' ? '/' : name.text[i]))
      return false;
  return at && *at == '/' && !strstr(at, "/../");
}

bool library_names_match(library_name name, const char *path) {
  if (library_names_is_pattern(name))
    return fits_pattern(name, path);
  library_name called = library_names_of(path), inner = {called.text + 1, called.length - 1};
  bool is_file = name.length > 3 && memmem(name.text, name.length, ".so", 3);
  library_name wanted = is_file ? name_of_file(name) : name;
  return same(wanted, called) || same(without_lib(wanted), called) ||
         (called.length > 1 && *called.text == '_' && same(wanted, inner)) || is_of_package(name, path);
}

/* ---- what is refused ---- */

static bool is_refused(library_name path) {
  static const char *const refused[] = {"arrow", "arrowpool", "arrowpool_preload", "c", "dl", "pthread"};
  library_name base = base_of(path), called = name_of_file(path);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (same(called, name_of_text(refused[i])))
      return true;
  return base.length > 3 && (memcmp(base.text, "ld-", 3) == 0 || memcmp(base.text, "ld.", 3) == 0);
}

bool library_names_is_refused(const char *path) { return is_refused(name_of_text(path)); }

/* Returns whether a pool can be called "lib." and the name. */
static bool names_a_pool(library_name name) {
  for (size_t i = 0; i < name.length; i++)
    if (!is_letter(name.text[i]) && !is_digit(name.text[i]) && !strchr("_.+-", name.text[i]))
      return false;
  return name.length && name.length + sizeof "lib." <= ARROWPOOL_NAME_MAX;
}

static bool is_printable(library_name name) {
  for (size_t i = 0; i < name.length; i++)
    if ((unsigned char)name.text[i] <= ' ' || name.text[i] == 0x7f)
      return false;
  return true;
}

typedef enum verdict { GOOD, BAD, REFUSED, TOO_MANY } verdict;

static verdict judge(const char *list) {
  library_name name;
  for (int count = 1; library_names_next(&list, &name); count++) {
    if (count > LIBRARY_NAMES_MOST)
      return TOO_MANY;
    if (!is_printable(name) || (!library_names_is_pattern(name) && !names_a_pool(name)))
      return BAD;
    if (!library_names_is_pattern(name) && is_refused(name))
      return REFUSED;
  }
  return GOOD;
}

bool library_names_are_good(const char *list) { return judge(list) == GOOD; }

const char *library_names_reason(const char *list) {
  verdict v = judge(list);
  return v == REFUSED    ? "libarrow, the C library, the loader and arrowpool can have no such pool; "
         : v == TOO_MANY ? "there can be 16 names; "
                         : "";
}

/* ---- what was meant ---- */

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

static bool contains(library_name all, library_name part) {
  for (size_t i = 0; i + part.length <= all.length; i++) {
    size_t alike = 0;
    while (alike < part.length && lower(all.text[i + alike]) == lower(part.text[alike]))
      alike++;
    if (alike == part.length)
      return true;
  }
  return false;
}

static bool is_alike(library_name a, size_t i, library_name b, size_t j) {
  return lower(a.text[i]) == lower(b.text[j]);
}

static library_name behind(library_name name, size_t count) {
  return (library_name){name.text + count, name.length > count ? name.length - count : 0};
}

static bool is_alike_throughout(library_name a, library_name b) {
  bool alike = a.length == b.length;
  for (size_t i = 0; alike && i < a.length; i++)
    alike = is_alike(a, i, b, i);
  return alike;
}

/* Returns whether the two differ by one letter: another one, one more, or two that changed places. */
static bool is_an_edit_away(library_name a, library_name b) {
  size_t at = 0;
  while (at < a.length && at < b.length && is_alike(a, at, b, at))
    at++;
  bool swapped =
      at + 1 < a.length && at + 1 < b.length && is_alike(a, at, b, at + 1) && is_alike(a, at + 1, b, at);
  return (is_alike_throughout(behind(a, at + 1), behind(b, at + 1)) && a.length == b.length) ||
         (a.length == b.length + 1 && is_alike_throughout(behind(a, at + 1), behind(b, at))) ||
         (b.length == a.length + 1 && is_alike_throughout(behind(a, at), behind(b, at + 1))) ||
         (swapped && is_alike_throughout(behind(a, at + 2), behind(b, at + 2)));
}

/* Two letters are near to every other two. */
static bool is_near(library_name a, library_name b) {
  return a.length > 2 && b.length > 2 && (contains(a, b) || contains(b, a) || is_an_edit_away(a, b));
}

bool library_names_is_near(library_name name, const char *path) {
  const char *packages = within_packages(path);
  library_name package = {packages, packages ? strcspn(packages, "/.") : 0};
  return is_near(name, library_names_of(path)) || is_near(name, package);
}
