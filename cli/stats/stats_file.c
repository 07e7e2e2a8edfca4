/* Reads a file of either kind: a live file, or dumps in json, one on each line or one of several lines. Only
 * regular files are read, so that no pipe or device can hold a reader up, and no object of a size that no
 * dump has. */
#include "cli/stats/stats.h"

#include "base/live_name.h"
#include "cli/base/open_regular.h"
#include "profile/profile_format.h"
#include "report/live.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES ((size_t)64 << 20) /* the most for one object */

#define BOM "\xef\xbb\xbf" /* some editors put it before UTF-8 */

/* A file that is something else begins so; this can be done about it. */
static const struct {
  const char *begin;
  size_t size;
  const char *problem;
} others[] = {
#define OTHER(begin, problem)                                                                                \
  { begin, sizeof begin - 1, problem }
    OTHER("\x1f\x8b", "it is compressed by gzip: gunzip it first"),
    OTHER("\x28\xb5\x2f\xfd", "it is compressed by zstd: unzstd it first"),
    OTHER("\xfd"
          "7zXZ",
          "it is compressed by xz: unxz it first"),
    OTHER("BZh", "it is compressed by bzip2: bunzip2 it first"),
    OTHER("\x04\x22\x4d\x18", "it is compressed by lz4: unlz4 it first"),
    OTHER("PK\x03\x04", "it is a zip archive: unzip it first"),
    OTHER("\xff\xfe", "it is UTF-16: make it UTF-8 first, by iconv -f UTF-16 -t UTF-8"),
    OTHER("\xfe\xff", "it is UTF-16: make it UTF-8 first, by iconv -f UTF-16 -t UTF-8"),
    OTHER("arrowpool ", "it is a dump as text: arrowpool reads json, jsonl and live files"),
    OTHER("# HELP arrowpool_", "it is a dump for Prometheus: arrowpool reads json, jsonl and live files"),
    OTHER(PROFILE_MAGIC, "it is a profile: arrowpool who reads it"),
#undef OTHER
};
enum { LONGEST_BEGIN = 20 };

typedef struct line {
  char *text;
  size_t length, room;
} line;

/* Reads the next line, without its newline. Returns false if there is none, or `problem` says why. */
static bool read_line(FILE *stream, line *l, const char **problem) {
  int c = getc_unlocked(stream);
  if (c == EOF)
    return false;
  for (l->length = 0; c != EOF && c != '\n'; c = getc_unlocked(stream)) {
    if (l->length == l->room) {
      size_t room = l->room ? l->room * 2 : 4096;
      char *text = room <= MOST_BYTES ? realloc(l->text, room) : NULL;
      if (!text) {
        *problem = room <= MOST_BYTES ? strerror(ENOMEM) : "it is too large for a dump";
        return false;
      }
      l->text = text;
      l->room = room;
    }
    l->text[l->length++] = (char)c;
  }
  return true;
}

static bool is_blank(const line *l) {
  for (size_t i = 0; i < l->length; i++)
    if (!strchr(" \t\r", l->text[i]) || !l->text[i])
      return false;
  return true;
}

static const char *in_words(const json_error_t *error) {
  switch (json_error_code(error)) {
  case json_error_premature_end_of_input:
    return "it is cut off";
  case json_error_stack_overflow:
    return "it is nested too deeply";
  case json_error_numeric_overflow:
    return "it has a number that is too large";
  case json_error_invalid_utf8:
    return "it is not UTF-8";
  default:
    return "it is neither a live file nor a dump in json";
  }
}

/* Hands on the figures of what was parsed, which is given up. */
static const char *take_json(json_t *dump, const json_error_t *error, stats_take take, void *context) {
  stats f;
  const char *problem = dump ? stats_from_json(dump, &f) : in_words(error);
  json_decref(dump);
  if (problem)
    return problem;
  take(context, &f);
  stats_free(&f);
  return NULL;
}

/* Reads one object on several lines, as tools write it that make JSON pretty. */
static const char *read_whole(FILE *stream, long start, size_t size, stats_take take, void *context) {
  json_error_t error;
  if (size > MOST_BYTES)
    return "it is too large for a dump";
  fseek(stream, start, SEEK_SET);
  return take_json(json_loadf(stream, 0, &error), &error, take, context);
}

static const char *read_dumps(FILE *stream, long start, size_t size, stats_take take, void *context) {
  line l = {0};
  fseek(stream, start, SEEK_SET);
  const char *problem = NULL;
  size_t taken = 0, failed = 0;
  while (read_line(stream, &l, &problem)) {
    json_error_t error;
    if (is_blank(&l))
      continue;
    const char *wrong = take_json(json_loadb(l.text, l.length, 0, &error), &error, take, context);
    taken += !wrong;
    failed += wrong != NULL;
    problem = problem ? problem : wrong;
  }
  free(l.text);
  if (failed > 1 && !taken)
    problem = read_whole(stream, start, size, take, context);
  return problem || taken || failed ? problem : "it is empty";
}

static bool is_live_name(const char *path) {
  size_t length = strlen(path), ending = sizeof LIVE_SUFFIX - 1;
  return length >= ending && strcmp(path + length - ending, LIVE_SUFFIX) == 0;
}

static const char *take_live(const char *path, stats_take take, void *context) {
  stats f;
  const char *problem = stats_read_live(path, &f);
  if (problem)
    return problem;
  take(context, &f);
  stats_free(&f);
  return NULL;
}

static const char *read_stream(FILE *stream, const char *path, stats_take take, void *context) {
  struct stat status;
  char begin[LONGEST_BEGIN] = "";
  if (fstat(fileno(stream), &status))
    return strerror(errno);
  size_t size = fread(begin, 1, sizeof begin, stream);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (size >= others[i].size && memcmp(begin, others[i].begin, others[i].size) == 0)
      return others[i].problem;
  if (is_live_name(path) || (size >= 8 && memcmp(begin, LIVE_MAGIC, 8) == 0))
    return take_live(path, take, context);
  bool has_bom = size >= sizeof BOM - 1 && memcmp(begin, BOM, sizeof BOM - 1) == 0;
  return read_dumps(stream, has_bom ? sizeof BOM - 1 : 0, (size_t)status.st_size, take, context);
}

const char *stats_read_each(const char *path, stats_take take, void *context) {
  const char *problem;
  int fd = open_regular(path, NULL, &problem);
  if (problem)
    return problem;
  FILE *stream = fdopen(fd, "r");
  if (!stream) {
    close(fd);
    return strerror(ENOMEM);
  }
  problem = read_stream(stream, path, take, context);
  fclose(stream);
  return problem;
}

typedef struct last {
  stats *stats;
  bool found;
} last;

static void keep_last(void *context, stats *f) {
  last *l = context;
  stats_free(l->stats);
  *l->stats = *f;
  f->pools = NULL;
  l->found = true;
}

const char *stats_read(const char *path, stats *out) {
  last l = {out, false};
  memset(out, 0, sizeof *out);
  const char *problem = stats_read_each(path, keep_last, &l);
  return l.found ? NULL : problem;
}
