/* Reads a profile's sections. What refers to others is read before them, so that a process which writes
 * meanwhile has made what was referred to; how much of a section is in use is asked just before it is read. A
 * record that two readings find different is being written. */
#include "cli/who/profile_file.h"

#include "base/writer.h"
#include "cli/base/memory.h"
#include "cli/base/open_regular.h"
#include "report/live.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_RECORD_BYTES 1024
#define MOST_TRIES        20 /* to find what is not being written */

static const char no_profile[] = "it is no profile", header_damaged[] = "its header is damaged",
                  cut_off[] = "it is cut off";

/* How large a record of each section is at least, and how many there are at most: a sparse file can claim
 * anything. */
static const struct {
  uint32_t bytes, most;
} known[PROFILE_SECTIONS] = {[PROFILE_STACKS] = {sizeof(profile_stack), 1 << 15},
                             [PROFILE_WORDS] = {sizeof(uint64_t), 1 << 19},
                             [PROFILE_FRAMES] = {sizeof(profile_frame), 1 << 14},
                             [PROFILE_STRINGS] = {1, 1 << 22},
                             [PROFILE_MODULES] = {sizeof(profile_module), 1 << 10},
                             [PROFILE_THREADS] = {sizeof(profile_thread), 1 << 14},
                             [PROFILE_RECORDS] = {sizeof(profile_record), 1 << 18},
                             [PROFILE_PEAK] = {sizeof(profile_sum), 1 << 16}};

/* ---- reading ---- */

#define LEAST_HEADER offsetof(profile_header, seen_time) /* of files before there were signs of life */

static const char *read_bytes(int fd, uint64_t offset, void *out, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));
    if (got <= 0)
      return got ? strerror(errno) : cut_off;
    done += (size_t)got;
  }
  return NULL;
}

static const char *check_section(profile_section_id id, const profile_section *s) {
  bool exact = id == PROFILE_STRINGS || id == PROFILE_WORDS;
  uint32_t used = s->used, least = known[id].bytes;
  bool fits = exact ? s->record_bytes == least : s->record_bytes >= least && s->record_bytes % 8 == 0;
  return fits && s->record_bytes <= MOST_RECORD_BYTES && s->capacity <= known[id].most &&
                 s->offset <= INT64_MAX / 2 && used <= (id == PROFILE_PEAK ? s->capacity / 2 : s->capacity)
             ? NULL
             : header_damaged;
}

static const char *read_header(int fd, profile_header *h) {
  const char *problem = NULL;
  memset(h, 0, sizeof *h);
  bool whole = read_bytes(fd, 0, h, sizeof *h) == NULL;
  if (!whole) {
    memset((char *)h + LEAST_HEADER, 0, sizeof *h - LEAST_HEADER);
    whole = read_bytes(fd, 0, h, LEAST_HEADER) == NULL;
  }
  if (memcmp(h->magic, LIVE_MAGIC, sizeof h->magic) == 0)
    return "it is a live file, and no profile: arrowpool show reads it";
  if (h->magic[0] == '{')
    return "it is no profile; if it is a dump, arrowpool show reads it";
  if (!whole)
    return no_profile;
  if (memcmp(h->magic, PROFILE_MAGIC, sizeof h->magic) != 0)
    return h->magic[0] ? no_profile : "it was not finished";
  if (h->byte_order != PROFILE_BYTE_ORDER)
    return "it is of a machine with another byte order";
  if (h->version != PROFILE_VERSION)
    return "it is of a version that this program does not know";
  if (h->header_bytes < LEAST_HEADER || h->section_count != PROFILE_SECTIONS || h->pid <= 0 || h->mean <= 0)
    return header_damaged;
  if (h->header_bytes < offsetof(profile_header, presence))
    h->seen_time = 0;
  if (h->header_bytes < sizeof *h)
    h->presence = 0;
  for (profile_section_id id = 0; id < PROFILE_SECTIONS && !problem; id++)
    problem = check_section(id, &h->sections[id]);
  return problem;
}

/* Reads what is in use of a section now, from its record `from` on. */
static const char *read_section(int fd, profile_section_id id, uint32_t from, profile_header *h,
                                profile_file_section *out) {
  const char *problem = read_header(fd, h);
  const profile_section *s = &h->sections[id];
  if (problem)
    return problem;
  free(out->records);
  out->count = s->used;
  out->record_bytes = s->record_bytes;
  out->records = malloc((size_t)out->count * s->record_bytes + 1);
  return !out->records ? strerror(ENOMEM)
                       : read_bytes(fd, s->offset + (uint64_t)from * s->record_bytes, out->records,
                                    (size_t)out->count * s->record_bytes);
}

/* Takes the records that two readings in a row find alike, which are not being written. Returns how many are
 * not settled yet. */
static uint32_t settle(const profile_file_section *before, const profile_file_section *now, bool *settled,
                       profile_file_section *out) {
  uint32_t left = 0, size = out->record_bytes;
  bool same = before->record_bytes == size && now->record_bytes == size;
  for (uint32_t i = 0; i < out->count; i++) {
    size_t at = (size_t)i * size;
    if (settled[i])
      continue;
    settled[i] = same && i < before->count && i < now->count &&
                 memcmp(before->records + at, now->records + at, size) == 0;
    left += !settled[i];
    if (settled[i])
      memcpy(out->records + at, now->records + at, size);
  }
  return left;
}

/* Reads the records that there are at first until they are settled, or leaves those out that never are. */
static const char *read_records(int fd, profile_file *f) {
  profile_file_section before = {0}, now = {0}, *out = &f->sections[PROFILE_RECORDS];
  const char *problem = read_section(fd, PROFILE_RECORDS, 0, &f->header, &before);
  uint32_t left = before.count;
  *out = (profile_file_section){memory_zeroed((size_t)before.count + 1, before.record_bytes + 1),
                                before.count, before.record_bytes};
  bool *settled = memory_zeroed((size_t)before.count + 1, sizeof *settled);
  for (int tries = 0; !problem && left && tries < MOST_TRIES; tries++) {
    problem = read_section(fd, PROFILE_RECORDS, 0, &f->header, &now);
    if (problem)
      break;
    left = settle(&before, &now, settled, out);
    profile_file_section last = before;
    before = now;
    now = last;
  }
  free(settled);
  free(before.records);
  free(now.records);
  return problem;
}

static const char *read_peak(int fd, profile_file *f) {
  profile_header *h = &f->header;
  const char *problem = read_header(fd, h);
  for (int tries = 0; !problem && !f->peak_whole && tries < MOST_TRIES; tries++) {
    uint32_t version = h->peak_version, half = h->peak_which & 1;
    uint32_t from = half * (h->sections[PROFILE_PEAK].capacity / 2);
    problem = read_section(fd, PROFILE_PEAK, from, h, &f->sections[PROFILE_PEAK]);
    if (!problem)
      problem = read_header(fd, h);
    f->peak_whole = !problem && h->peak_version == version;
  }
  return problem;
}

static const char *read_all(int fd, profile_file *f) {
  static const profile_section_id order[] = {PROFILE_THREADS, PROFILE_STACKS,  PROFILE_WORDS,
                                             PROFILE_FRAMES,  PROFILE_MODULES, PROFILE_STRINGS};
  const char *problem = read_records(fd, f);
  if (!problem)
    problem = read_peak(fd, f);
  for (size_t i = 0; i < sizeof order / sizeof *order && !problem; i++)
    problem = read_section(fd, order[i], 0, &f->header, &f->sections[order[i]]);
  return problem;
}

const char *profile_file_read(const char *path, profile_file *out) {
  struct stat status;
  const char *problem;
  int fd = open_regular(path, &status, &problem);
  memset(out, 0, sizeof *out);
  if (problem)
    return problem;
  problem = read_all(fd, out);
  close(fd);
  if (problem)
    profile_file_free(out);
  return problem;
}

void profile_file_free(profile_file *f) {
  for (profile_section_id id = 0; id < PROFILE_SECTIONS; id++) {
    free(f->sections[id].records);
    f->sections[id] = (profile_file_section){0};
  }
}

/* ---- entries ---- */

/* Copies an entry as far as this version knows it. Returns false if there is none. */
static bool copy_entry(profile_file *f, profile_section_id id, uint32_t number, void *out) {
  const profile_file_section *s = &f->sections[id];
  if (number >= s->count)
    return false;
  memcpy(out, s->records + (size_t)number * s->record_bytes, known[id].bytes);
  return true;
}

static bool judge(profile_file *f, bool sensible) {
  f->damaged += !sensible;
  return sensible;
}

bool profile_file_stack(profile_file *f, uint32_t number, profile_stack *out) {
  if (!copy_entry(f, PROFILE_STACKS, number, out) || (number && !out->ready))
    return false;
  if (!number) /* "(other)" */
    out->words = out->native_count = out->python_count = out->kind = 0;
  uint32_t words = f->sections[PROFILE_WORDS].count, count = (uint32_t)out->native_count + out->python_count;
  return judge(f, out->native_count <= PROFILE_MOST_NATIVE && out->python_count <= PROFILE_MOST_PYTHON &&
                      out->kind <= PROFILE_TASK && out->words <= words && count <= words - out->words);
}

bool profile_file_frame(profile_file *f, uint32_t number, profile_frame *out) {
  return copy_entry(f, PROFILE_FRAMES, number, out) && out->ready;
}

bool profile_file_module(profile_file *f, uint32_t number, profile_module *out) {
  return copy_entry(f, PROFILE_MODULES, number, out) && out->ready &&
         judge(f, out->from < out->to && out->build_id_bytes <= sizeof out->build_id);
}

bool profile_file_thread(profile_file *f, uint32_t number, profile_thread *out) {
  return copy_entry(f, PROFILE_THREADS, number, out);
}

bool profile_file_record(profile_file *f, uint32_t number, profile_record *out) {
  return copy_entry(f, PROFILE_RECORDS, number, out) && out->address != 0 &&
         judge(f, isfinite(out->exposure) && out->exposure > 0);
}

bool profile_file_peak(profile_file *f, uint32_t stack, profile_sum *out) {
  return f->peak_whole && copy_entry(f, PROFILE_PEAK, stack, out);
}

uint64_t profile_file_word(const profile_file *f, uint32_t number) {
  return ((const uint64_t *)(const void *)f->sections[PROFILE_WORDS].records)[number];
}

void profile_file_text(const profile_file *f, uint32_t offset, char *out, size_t size) {
  const profile_file_section *s = &f->sections[PROFILE_STRINGS];
  size_t left = offset < s->count ? s->count - offset : 0,
         length = strnlen(s->records + (left ? offset : 0), left);
  bool ends = offset && length < left;
  size_t kept = !ends ? 0 : length < size ? length : size - 1;
  memcpy(out, s->records + (kept ? offset : 0), kept);
  out[kept] = 0;
  if (kept)
    writer_make_printable(out);
  else
    memcpy(out, "?", 2);
}

/* No figure comes near this, and many can be added up without an overflow. */
int64_t profile_file_clamp(int64_t number) {
  return number < 0 ? 0 : number > INT64_C(1) << 56 ? INT64_C(1) << 56 : number;
}
