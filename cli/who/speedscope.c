/* Writes a file for speedscope: https://www.speedscope.app/file-format-schema.json, a profile of weighted
 * samples. */
#include "cli/who/who.h"

#include "cli/base/hash_index.h"
#include "cli/base/memory.h"
#include "cli/who/frames.h"

#include <jansson.h>
#include <string.h>

typedef struct known_frame {
  const char *name, *file; /* by their addresses, as the model has each text once */
  int32_t line;
} known_frame;

typedef struct speedscope {
  hash_index known;
  json_t *frames, *sample;
} speedscope;

static uint64_t hash_frame(const void *entry) {
  const known_frame *f = entry;
  uint64_t hash = hash_index_hash(HASH_INDEX_START, &f->name, sizeof f->name);
  return hash_index_hash(hash_index_hash(hash, &f->file, sizeof f->file), &f->line, sizeof f->line);
}

static bool same_frame(const void *a, const void *b) {
  const known_frame *one = a, *other = b;
  return one->name == other->name && one->file == other->file && one->line == other->line;
}

static void add_frame(void *context, const who_frame_text *text) {
  static const hash_index_kind frames = {sizeof(known_frame), hash_frame, same_frame};
  speedscope *s = context;
  known_frame wanted = {text->name, text->file, text->line};
  known_frame *found = hash_index_find(&s->known, &frames, &wanted);
  if (!found) {
    found = hash_index_add(&s->known, &frames, &wanted);
    json_t *frame = json_pack("{s:s}", "name", text->name);
    if (text->file)
      json_object_set_new(frame, "file", json_string(text->file));
    if (text->line)
      json_object_set_new(frame, "line", json_integer(text->line));
    json_array_append_new(s->frames, frame);
  }
  json_array_append_new(s->sample, json_integer(found - (known_frame *)s->known.entries));
}

void who_write_speedscope(FILE *out, const who_model *m) {
  json_t *samples = json_array(), *weights = json_array();
  speedscope s = {.frames = json_array()};
  json_int_t sum = 0;
  for (size_t i = 0; i < m->stacks.count; i++) {
    int64_t bytes = who_whole(who_amount_of(m, who_stack_at(m, i))->bytes);
    if (bytes <= 0 || bytes > INT64_MAX - sum)
      continue;
    s.sample = json_array();
    who_tell_frames(m, who_stack_at(m, i), add_frame, &s);
    json_array_append_new(samples, s.sample);
    json_array_append_new(weights, json_integer(bytes));
    sum += bytes;
  }
  json_t *whole = json_pack("{s:s, s:s, s:{s:o}, s:[{s:s, s:s, s:s, s:i, s:I, s:o, s:o}]}", "$schema",
                            "https://www.speedscope.app/file-format-schema.json", "exporter",
                            "arrowpool " ARROWPOOL_VERSION, "shared", "frames", s.frames, "profiles", "type",
                            "sampled", "name", who_what_names[m->what], "unit", "bytes", "startValue", 0,
                            "endValue", sum, "samples", samples, "weights", weights);
  if (!whole)
    memory_lacking();
  json_dumpf(whole, out, JSON_COMPACT);
  fputc('\n', out);
  json_decref(whole);
  hash_index_free(&s.known);
}
