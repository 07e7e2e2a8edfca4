/* Writes what pprof's samples refer to: strings, functions, mappings, locations. Each is written when it is
 * asked for first. */
#include "cli/base/memory.h"
#include "cli/who/pprof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fields of profile.proto, by message. */
enum { MAPPING_ID = 1, MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET, MAPPING_FILE, MAPPING_BUILD_ID };
enum { MAPPING_HAS_FUNCTIONS = 7, MAPPING_HAS_FILES, MAPPING_HAS_LINES };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE, FUNCTION_START_LINE };

/* ---- strings ---- */

static uint64_t text_hash(const void *entry) {
  const char *text = *(char *const *)entry;
  return hash_index_hash(HASH_INDEX_START, text, strlen(text));
}

static bool text_same(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

/* The entries are texts of their own, from number 1 on; 0 is the empty one. */
uint64_t pprof_string(pprof *p, const char *text) {
  static const hash_index_kind kind = {sizeof(char *), text_hash, text_same};
  if (!*text)
    return 0;
  char **found = hash_index_find(&p->strings, &kind, &text);
  if (!found) {
    char *copy = memory_copy(text);
    found = hash_index_add(&p->strings, &kind, &copy);
  }
  return (uint64_t)(found - (char **)p->strings.entries) + 1;
}

void pprof_write_strings(pprof *p) {
  char **texts = p->strings.entries;
  proto_bytes(&p->all, OF_STRING, "", 0);
  for (size_t i = 0; i < p->strings.count; i++)
    proto_bytes(&p->all, OF_STRING, texts[i], strlen(texts[i]));
}

/* ---- functions: their identifiers are one more than their places ---- */

typedef struct pprof_function {
  uint64_t name, system_name, file; /* numbers of strings */
  int64_t start_line;
} pprof_function;

static uint64_t function_hash(const void *entry) {
  return hash_index_hash(HASH_INDEX_START, entry, sizeof(pprof_function)); /* it has no padding */
}

static bool function_same(const void *a, const void *b) { return memcmp(a, b, sizeof(pprof_function)) == 0; }

static uint64_t function_id(pprof *p, const pprof_function *wanted) {
  static const hash_index_kind kind = {sizeof *wanted, function_hash, function_same};
  pprof_function *found = hash_index_find(&p->functions, &kind, wanted);
  if (!found) {
    found = hash_index_add(&p->functions, &kind, wanted);
    proto_number(&p->message, FUNCTION_ID, p->functions.count);
    proto_number(&p->message, FUNCTION_NAME, wanted->name);
    proto_number(&p->message, FUNCTION_SYSTEM_NAME, wanted->system_name);
    proto_number(&p->message, FUNCTION_FILE, wanted->file);
    proto_number(&p->message, FUNCTION_START_LINE, (uint64_t)wanted->start_line);
    proto_message(&p->all, OF_FUNCTION, &p->message);
  }
  return (uint64_t)(found - (pprof_function *)p->functions.entries) + 1;
}

/* ---- mappings: the program, for all of Python, and then the modules ---- */

enum { PAGE_BYTES = 4096, GAP_BYTES = 16 * PAGE_BYTES, MAPPING_OF_PYTHON = 1 };

static uint64_t mapping_of(uint32_t module) { return (uint64_t)module + MAPPING_OF_PYTHON + 1; }

static uint64_t first_page(const who_module *module) { return module->from & -(uint64_t)PAGE_BYTES; }

/* What a symbol's value is in the file is the offset there, too, of code that GNU ld linked. */
static void write_module(pprof *p, uint32_t number, uint64_t start, uint64_t limit) {
  const who_module *module = who_module_at(p->model, number);
  char build_id[2 * sizeof module->build_id + 1] = "";
  for (uint32_t i = 0; i < module->build_id_bytes && i < sizeof module->build_id; i++)
    snprintf(build_id + (size_t)2 * i, 3, "%02x", module->build_id[i]);
  proto_number(&p->message, MAPPING_ID, mapping_of(number));
  proto_number(&p->message, MAPPING_START, start);
  proto_number(&p->message, MAPPING_LIMIT, limit);
  proto_number(&p->message, MAPPING_OFFSET, first_page(module));
  proto_number(&p->message, MAPPING_FILE, pprof_string(p, module->path));
  proto_number(&p->message, MAPPING_BUILD_ID, pprof_string(p, build_id));
  proto_number(&p->message, MAPPING_HAS_FUNCTIONS, true);
  proto_message(&p->all, OF_MAPPING, &p->message);
}

/* Where modules were mapped differs from process to process: here they lie one behind the other. */
void pprof_write_mappings(pprof *p) {
  const who_model *m = p->model;
  proto_number(&p->message, MAPPING_ID, MAPPING_OF_PYTHON);
  proto_number(&p->message, MAPPING_FILE, pprof_string(p, m->process_count ? m->processes[0].program : ""));
  proto_number(&p->message, MAPPING_HAS_FUNCTIONS, true);
  proto_number(&p->message, MAPPING_HAS_FILES, true);
  proto_number(&p->message, MAPPING_HAS_LINES, true);
  proto_message(&p->all, OF_MAPPING, &p->message);
  p->starts = memory_zeroed(m->modules.count + 1, sizeof *p->starts);
  uint64_t start = GAP_BYTES;
  for (uint32_t i = 0; i < m->modules.count; i++) {
    const who_module *module = who_module_at(m, i);
    uint64_t limit = start + (module->to - first_page(module));
    p->starts[i] = start;
    write_module(p, i, start, limit);
    start = (limit & -(uint64_t)PAGE_BYTES) + GAP_BYTES;
  }
}

/* ---- locations: native frames, then those of Python, then two that stand for no frame ---- */

static uint64_t location_of_native(uint32_t number) { return (uint64_t)number + 1; }

static uint64_t location_of_frame(const pprof *p, uint32_t number) {
  return p->model->natives.count + number + 1;
}

static uint64_t location_of_nothing(const pprof *p, bool other) {
  return p->model->natives.count + p->model->frames.count + 1 + other;
}

static void write_location(pprof *p, uint64_t id, uint64_t mapping, uint64_t address, uint64_t function,
                           int64_t line) {
  proto_number(&p->inner, LINE_FUNCTION, function);
  proto_number(&p->inner, LINE_LINE, (uint64_t)line);
  proto_number(&p->message, LOCATION_ID, id);
  proto_number(&p->message, LOCATION_MAPPING, mapping);
  proto_number(&p->message, LOCATION_ADDRESS, address);
  proto_message(&p->message, LOCATION_LINE, &p->inner);
  proto_message(&p->all, OF_LOCATION, &p->message);
}

/* The address is the call's last byte: a return address can be the next line's, or the next function's. */
static void write_native(pprof *p, uint32_t number) {
  const who_native *native = who_native_at(p->model, number);
  bool known = native->module != WHO_NONE;
  const who_module *module = known ? who_module_at(p->model, native->module) : NULL;
  uint64_t address = native->value + (known ? p->starts[native->module] - first_page(module) : 0) - 1;
  pprof_function function = {
      .name = pprof_string(p, native->name),
      .system_name = pprof_string(p, native->function ? native->function : native->name),
      .file = known ? pprof_string(p, module->path) : 0,
  };
  write_location(p, location_of_native(number), known ? mapping_of(native->module) : 0, address,
                 function_id(p, &function), 0);
}

/* Returns the function's name; in `out`, which is as large as two texts, if it has to be made: "module
 * etl.py" for "<module>", since of a name that is all in such brackets, as the arguments of templates are,
 * pprof leaves nothing. */
static const char *python_name(const who_frame *frame, char *out) {
  const char *name = frame->function, *slash = strrchr(frame->file, '/');
  size_t length = strlen(name);
  if (length < 3 || name[0] != '<' || strcspn(name, ">") != length - 1)
    return name;
  snprintf(out, (size_t)2 * WHO_LONGEST_TEXT, "%.*s %s", (int)length - 2, name + 1,
           slash ? slash + 1 : frame->file);
  return out;
}

static void write_frame(pprof *p, uint32_t number) {
  const who_frame *frame = who_frame_at(p->model, number);
  char made[2 * WHO_LONGEST_TEXT];
  uint64_t name = pprof_string(p, python_name(frame, made));
  pprof_function function = {
      .name = name,
      .system_name = name,
      .file = pprof_string(p, frame->file),
      .start_line = frame->first_line,
  };
  write_location(p, location_of_frame(p, number), MAPPING_OF_PYTHON, 0, function_id(p, &function),
                 frame->line);
}

static void write_nothing(pprof *p, bool other) {
  uint64_t name = pprof_string(p, other ? "(other)" : "(no frame)");
  pprof_function function = {.name = name, .system_name = name};
  write_location(p, location_of_nothing(p, other), 0, 0, function_id(p, &function), 0);
}

/* Returns whether the location has to be written, which is so once. */
static bool is_new(pprof *p, uint64_t location) {
  if (!p->located)
    p->located = memory_zeroed(location_of_nothing(p, true) + 1, sizeof *p->located);
  bool known = p->located[location];
  p->located[location] = true;
  return !known;
}

void pprof_write_locations(pprof *p, const who_stack *s) {
  for (uint32_t i = 0; i < s->native_count; i++) {
    uint32_t number = who_native_number(s, i);
    if (is_new(p, location_of_native(number)))
      write_native(p, number);
    proto_varint(&p->packed, location_of_native(number));
  }
  for (uint32_t i = 0; i < s->python_count; i++) {
    uint32_t number = who_frame_number(s, i);
    if (is_new(p, location_of_frame(p, number)))
      write_frame(p, number);
    proto_varint(&p->packed, location_of_frame(p, number));
  }
  if (s->native_count || s->python_count)
    return;
  if (is_new(p, location_of_nothing(p, s->other)))
    write_nothing(p, s->other);
  proto_varint(&p->packed, location_of_nothing(p, s->other));
}

void pprof_free(pprof *p) {
  for (size_t i = 0; i < p->strings.count; i++)
    free(((char **)p->strings.entries)[i]);
  hash_index_free(&p->strings);
  hash_index_free(&p->functions);
  free(p->starts);
  free(p->located);
  proto_free(&p->all);
  proto_free(&p->message);
  proto_free(&p->inner);
  proto_free(&p->packed);
}
