/* The parsers of options: the input is a value, for the option that its first byte chooses. A value that is
 * refused leaves the result untouched; one that is accepted is so the second time too. */
#include "fuzz.h"

#include "options/options.h"

#include <stdlib.h>
#include <string.h>

/* Bounds that any accepted number keeps. */
static bool is_plausible(const options_row *row, const options_value *value) {
  switch (row->kind) {
  case OPTIONS_DESTINATION:
  case OPTIONS_DIRECTORY:
    return true;
  case OPTIONS_FLAG:
    return value->number == 0 || value->number == 1;
  case OPTIONS_SIZE:
    return value->number >= -100 && value->number != 0;
  default:
    return value->number >= 0;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size)
    return 0;
  const options_row *row = &options_table[data[0] % OPTION_COUNT];
  char *text = malloc(size);
  options_value value, again;
  if (!text)
    abort();
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  memset(&value, 0x5a, sizeof value);
  again = value;
  if (!options_parse(row, text, &value)) {
    if (memcmp(&value, &again, sizeof value) != 0)
      abort();
  } else if (!is_plausible(row, &value) || !options_parse(row, text, &again) ||
             value.number != again.number || value.text != again.text) {
    abort();
  }
  free(text);
  return 0;
}
