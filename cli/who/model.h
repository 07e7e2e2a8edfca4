/* What profiles say of who holds the memory, of one process or of several: the stacks that allocated, each
 * with its Python frames, its native frames and its sums, and the sampled buffers that live. Stacks that are
 * alike in different files are one here: a native frame is a place in its module's file, wherever that was
 * mapped.
 *
 * All texts are UTF-8 without control characters, of at most WHO_LONGEST_TEXT bytes, belong to the model, and
 * are never NULL unless it is said. Equal texts have one address. Numbers are within bounds whatever the
 * files say: every index leads to an entry, and a sum of any of them is finite. With --minus all amounts are
 * differences and can be negative. Nothing here is for more than one thread. */
#ifndef ARROWPOOL_CLI_WHO_MODEL_H
#define ARROWPOOL_CLI_WHO_MODEL_H

#include "cli/base/hash_index.h"
#include "cli/stats/stats.h"
#include "profile/profile_format.h"

#include <stdbool.h>
#include <stdint.h>

enum { WHO_LONGEST_TEXT = 4096 };
#define WHO_NONE UINT32_MAX /* no module */

/* What is told of a stack. */
typedef enum who_what {
  WHO_LIVE,  /* what lives */
  WHO_TOTAL, /* all that was ever allocated */
  WHO_PEAK,  /* what lived when most did */
  WHO_WHATS
} who_what;

/* By what stacks are added up. */
typedef enum who_by {
  WHO_BY_LINE,
  WHO_BY_FUNCTION,
  WHO_BY_NATIVE,
  WHO_BY_POOL,
  WHO_BY_THREAD,
  WHO_BYS
} who_by;

extern const char *const who_what_names[WHO_WHATS], *const who_by_names[WHO_BYS];

/* What samples stand for, as estimated. Buffers that are larger than the mean are sampled for certain, and
 * add nothing to the variance. */
typedef struct who_amount {
  double bytes, buffers;
  double samples;  /* of WHO_PEAK as many as were to be expected, since nobody counts them */
  double variance; /* of the bytes: the standard error is its square root (who_error) */
} who_amount;

/* Returns the standard error of the bytes as a share of them; 0 if there are none. */
double who_error(const who_amount *amount);

void who_amount_add(who_amount *sum, const who_amount *more);

/* Returns the nearest whole number, of those that 64 bits hold. */
int64_t who_whole(double number);

typedef struct who_process {
  const char *path; /* of the profile */
  const char *program, *host, *command, *library, *python_version;
  int64_t pid, parent; /* parent 0: it was not forked with buffers */
  int64_t start_ticks;
  const char *boot;
  stats_state state;
  int64_t start_time, time; /* of the profile, and what it was read as of: milliseconds since the epoch */
  int64_t peak_time;        /* likewise; 0: there was no peak yet, or it was being written */
  int64_t mean, mean_now;   /* bytes from sample to sample, as wanted and at last */
  profile_python python;    /* why there are Python frames, or none */
  uint32_t presence;        /* as in base/presence.h */
  bool tasks;               /* tasks of Arrow's threads are told by whom they were given */
  int64_t samples, lost_records; /* see profile_header */
  int64_t lost_stacks, failed_walks, tasks_given, tasks_told;
  int64_t damaged; /* entries that made no sense, and were left out */
  bool minus;      /* it is what --minus names: its figures are taken off */
} who_process;

/* A line of Python. */
typedef struct who_frame {
  const char *file, *function; /* co_filename, co_qualname; "?": not known */
  int32_t line, first_line;    /* 0: not known */
  bool library;                /* it is of Python's or of pyarrow's and its like, and no line of the user's */
} who_frame;

typedef struct who_module {
  const char *path; /* "?": not known */
  uint8_t build_id[20];
  uint32_t build_id_bytes;
  uint64_t from, to;   /* as much of it as was mapped anywhere: symbols' values, as in the file */
  const char *problem; /* why it has no symbols, in words; NULL: it has, or none is missed */
} who_module;

/* A place in native code. */
typedef struct who_native {
  uint32_t module; /* WHO_NONE: not known */
  uint64_t value;  /* a return address as a symbol's value in the file; without a module the address itself */
  /* These are as who_find_symbols finds them. */
  const char *function; /* as c++filt has it; NULL: not known */
  const char *name;   /* without parameters and template arguments; or "libx.so+0x1234"; or "0x7f12345678" */
  bool of_allocation; /* it is how Arrow or a pool allocates, and says nothing of what for */
} who_native;

typedef struct who_stack {
  profile_kind kind;
  bool other;       /* it is "(other)": of samples that found no room for their stack. It has no frames */
  const char *pool; /* "?": not known */
  /* The frames, innermost first: who_native_of and who_frame_of. Native ones begin behind those of the
   * allocation itself, once who_find_symbols was called. */
  uint32_t *words, native_count, python_count;
  who_amount amounts[WHO_WHATS];
} who_stack;

/* A sampled buffer that lives, and is not left out by --older-than. */
typedef struct who_record {
  uint32_t stack, process, thread; /* numbers of the model's arrays */
  uint64_t size;                   /* bytes, of this one */
  double weight;                   /* how many buffers of its size it stands for; negative: of a --minus */
  int64_t since;                   /* when it was allocated: milliseconds since the epoch */
  uint64_t address;
} who_record;

/* Returns what a record stands for; a --minus's is negative. */
who_amount who_amount_of_record(const who_record *r);

typedef struct who_thread {
  uint32_t process;
  int32_t number;   /* in the kernel; 0: one of many that found no room */
  const char *name; /* "?": not known */
} who_thread;

typedef struct who_model {
  /* As the user chose; to be set before the first file is added. */
  who_what what;
  who_by by;
  int64_t older_than; /* live buffers only that are so old, milliseconds; 0: all */
  double at_least;    /* rows of a table that have this share of the sum: 0 to 1 */
  size_t least_rows;  /* but so many of the largest rows that grew, whatever their share */

  who_amount sums[WHO_WHATS]; /* of all stacks */
  who_process *processes;
  size_t process_count, process_room;
  hash_index frames, modules, natives, stacks, threads, texts; /* see the functions below */
  who_record *records;
  size_t record_count, record_room;
} who_model;

static inline who_stack *who_stack_at(const who_model *m, size_t i) {
  return (who_stack *)m->stacks.entries + i;
}

static inline who_module *who_module_at(const who_model *m, size_t i) {
  return (who_module *)m->modules.entries + i;
}

static inline who_thread *who_thread_at(const who_model *m, size_t i) {
  return (who_thread *)m->threads.entries + i;
}

static inline who_native *who_native_at(const who_model *m, size_t i) {
  return (who_native *)m->natives.entries + i;
}

static inline who_frame *who_frame_at(const who_model *m, size_t i) {
  return (who_frame *)m->frames.entries + i;
}

/* Return the frames of a stack, of which number 0 is the innermost. The numbers of the first kind, which are
 * below m->natives.count or m->frames.count, tell whether frames of two stacks are one. */
static inline uint32_t who_native_number(const who_stack *s, uint32_t i) { return s->words[i]; }

static inline uint32_t who_frame_number(const who_stack *s, uint32_t i) {
  return s->words[s->native_count + i];
}

static inline const who_native *who_native_of(const who_model *m, const who_stack *s, uint32_t i) {
  return who_native_at(m, who_native_number(s, i));
}

static inline const who_frame *who_frame_of(const who_model *m, const who_stack *s, uint32_t i) {
  return who_frame_at(m, who_frame_number(s, i));
}

/* Returns the user's line: the innermost frame that is no library's, or else the innermost; NULL if the stack
 * has no Python frames. */
const who_frame *who_line_of(const who_model *m, const who_stack *s);

/* Returns what a stack has by the chosen `what`. */
static inline const who_amount *who_amount_of(const who_model *m, const who_stack *s) {
  return &s->amounts[m->what];
}

/* Adds a profile, or takes it off. The model begins with all zero but the user's choice. Returns NULL on
 * success, else what is wrong with the file, in words, and the model is as it was. */
const char *who_add_file(who_model *m, const char *path, bool minus);

/* Names the native frames, from the modules' files, where they are those that were mapped. After the last
 * file. */
void who_find_symbols(who_model *m);

void who_free(who_model *m);

/* Returns whether both are of one process image: it has one host, number and start. */
bool who_same_process(const who_process *a, const who_process *b);

#endif
