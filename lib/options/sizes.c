/* Parses sizes (sizes.h). What means one thing to everybody who writes it is taken: systemd's K, M, G and T,
 * which are powers of 1024, Kubernetes' Ki, docker's kb, with a space or without. What means two things is
 * refused, and why is said.
 */
#include "options/sizes.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/* Returns the factor of a unit; 0: it is none, or means two things. */
static int64_t factor_of(const char *unit) {
  static const char upper[] = "KMGT", lower[] = "kmgt";
  static const char *const after_upper[] = {"", "B", "i", "iB"}, *const after_lower[] = {"b", "ib"};
  if (!*unit || strcmp(unit, "B") == 0 || strcmp(unit, "b") == 0)
    return 1;
  const char *large = strchr(upper, *unit), *small = strchr(lower, *unit);
  if (small && (strcmp(unit, "g") == 0 || strcmp(unit, "t") == 0)) /* nobody's but docker's */
    return INT64_C(1) << 10 * (small - lower + 1);
  for (size_t i = 0; large && i < sizeof after_upper / sizeof *after_upper; i++)
    if (strcmp(unit + 1, after_upper[i]) == 0)
      return INT64_C(1) << 10 * (large - upper + 1);
  for (size_t i = 0; small && i < sizeof after_lower / sizeof *after_lower; i++)
    if (strcmp(unit + 1, after_lower[i]) == 0)
      return INT64_C(1) << 10 * (small - lower + 1);
  return 0;
}

/* Reads digits, as far as their number matters: to the whole, or of a fraction to `part` of `of`. */
static bool read_whole(const char **text, int64_t *out) {
  if (!is_digit(**text))
    return false;
  for (*out = 0; is_digit(**text); ++*text)
    if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, **text - '0', out))
      return false;
  return true;
}

static bool read_fraction(const char **text, int64_t *part, int64_t *of) {
  enum { DIGITS = 6 }; /* what lies behind them is less than a byte in a MiB */
  *part = 0;
  *of = 1;
  if (**text != '.')
    return true;
  ++*text;
  if (!is_digit(**text))
    return false;
  for (int i = 0; is_digit(**text); ++*text, i++)
    if (i < DIGITS) {
      *part = *part * 10 + (**text - '0');
      *of *= 10;
    }
  return true;
}

bool sizes_parse(const char *text, int64_t *out) {
  int64_t whole, part, of, size, rest;
  if (!read_whole(&text, &whole) || !read_fraction(&text, &part, &of))
    return false;
  bool apart = text[0] == ' ' && text[1];
  int64_t factor = factor_of(text + apart);
  if (!factor || (of > 1 && factor == 1) || __builtin_mul_overflow(whole, factor, &size) ||
      __builtin_mul_overflow(part, factor / of, &rest) ||
      __builtin_add_overflow(rest, part * (factor % of) / of, &rest) ||
      __builtin_add_overflow(size, rest, &size) || !size)
    return false;
  *out = size;
  return true;
}

const char *sizes_reason(const char *text) {
  static const struct {
    const char *unit, *reason;
  } reasons[] = {
      {"m", "m is a thousandth to Kubernetes and 1024 * 1024 to docker; "},
      {"k", "k is 1000 to Kubernetes and 1024 to docker; "},
      {"kB", "kB is 1000 bytes to some and 1024 to others; "},
      {"Kb", "Kb are bits to some and bytes to others; "},
      {"Mb", "Mb are bits to some and bytes to others; "},
      {"Gb", "Gb are bits to some and bytes to others; "},
      {"Tb", "Tb are bits to some and bytes to others; "},
  };
  size_t number = strspn(text, "0123456789");
  if (number && text[number] == ',')
    return "a comma is a decimal point to some and parts thousands to others; ";
  if (number && text[number] == '.')
    number += 1 + strspn(text + number + 1, "0123456789");
  if (number && (text[number] == 'e' || text[number] == 'E') && is_digit(text[number + 1]))
    return "exponents are not read; ";
  const char *unit = text + number + (text[number] == ' ');
  for (size_t i = 0; number && i < sizeof reasons / sizeof *reasons; i++)
    if (strcmp(unit, reasons[i].unit) == 0)
      return reasons[i].reason;
  if (number && !text[number] && strchr(text, '.'))
    return "there are no parts of a byte; ";
  return "";
}
