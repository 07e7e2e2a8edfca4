/* Counts edits: a letter more, less or another, or two that changed places (optimal string alignment). Upper
 * and lower case are the same letter. The beginning of a word is one edit away from it. */
#include "cli/base/nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool is_same(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

static unsigned least_of(unsigned a, unsigned b) { return a < b ? a : b; }

/* Returns how many edits turn one word into the other; neither has NEAREST_WORD_BYTES. */
static unsigned count_edits(const char *text, const char *word) {
  unsigned rows[3][NEAREST_WORD_BYTES]; /* this one, and the two before it */
  size_t width = strlen(word);
  for (size_t x = 0; x <= width; x++)
    rows[0][x] = (unsigned)x;
  for (size_t y = 1; text[y - 1]; y++) {
    unsigned *row = rows[y % 3], *before = rows[(y + 2) % 3], *earlier = rows[(y + 1) % 3];
    row[0] = (unsigned)y;
    for (size_t x = 1; x <= width; x++) {
      row[x] =
          least_of(least_of(before[x], row[x - 1]) + 1, before[x - 1] + !is_same(text[y - 1], word[x - 1]));
      if (y > 1 && x > 1 && is_same(text[y - 1], word[x - 2]) && is_same(text[y - 2], word[x - 1]))
        row[x] = least_of(row[x], earlier[x - 2] + 1);
    }
  }
  return rows[strlen(text) % 3][width];
}

nearest nearest_begin(const char *text) { return (nearest){.text = text, .edits = UINT32_MAX}; }

bool nearest_try(nearest *n, const char *word) {
  size_t length = strlen(n->text);
  if (length >= NEAREST_WORD_BYTES || strlen(word) >= NEAREST_WORD_BYTES)
    return false;
  unsigned edits =
      length > 1 && strncasecmp(n->text, word, length) == 0 && word[length] ? 1 : count_edits(n->text, word);
  if (edits >= n->edits)
    return false;
  n->word = word;
  n->edits = edits;
  return true;
}

const char *nearest_found(const nearest *n) {
  if (!n->word)
    return NULL;
  size_t length = strlen(n->text), other = strlen(n->word);
  return 3 * (size_t)n->edits <= (length > other ? length : other) ? n->word : NULL;
}
