/* The profile of a process, as it lies in its file: a sample of the live buffers, each with the stack that
 * allocated it.
 *
 * The file is a shared mapping which the process writes while it runs, so it can be read at any moment, also
 * after the process was killed. All numbers are in the byte order of the machine. A reader goes by the
 * sections' offsets and record sizes, which may grow; a section's records are in use from the first to
 * `used`, and one that is being written is told by a field that is set last (below). Texts are UTF-8 with a
 * NUL, in PROFILE_STRINGS, and named by their offset there; 0 is "?".
 *
 * What a record stands for: of a stream of allocated bytes, points are drawn at random, `mean` bytes apart on
 * average, and a buffer is sampled if a point lies in the bytes that it was given. With `exposure` = those
 * bytes / the mean, that happens with probability 1 - exp(-exposure): a sampled buffer stands for
 * 1 / (1 - exp(-exposure)) buffers of its size. */
#ifndef ARROWPOOL_PROFILE_PROFILE_FORMAT_H
#define ARROWPOOL_PROFILE_PROFILE_FORMAT_H

#include "base/process_file.h"

#include <stdatomic.h>
#include <stdint.h>

#define PROFILE_MAGIC      "ARRWPROF"
#define PROFILE_VERSION    1
#define PROFILE_BYTE_ORDER 0x01020304u
#define PROFILE_SUFFIX     ".profile" /* the name is a live file's (base/live_name.h) with this ending */

/* Most frames of a stack that are kept: the innermost. */
#define PROFILE_MOST_NATIVE 48
#define PROFILE_MOST_PYTHON 64

typedef enum profile_section_id {
  PROFILE_STACKS,  /* profile_stack; number 0 is "(other)": what found no room for its stack */
  PROFILE_WORDS,   /* uint64_t: the stacks' frames */
  PROFILE_FRAMES,  /* profile_frame: lines of Python; number 0 is "?" */
  PROFILE_STRINGS, /* bytes */
  PROFILE_MODULES, /* profile_module */
  PROFILE_THREADS, /* profile_thread; number 0 is any that found no room */
  PROFILE_RECORDS, /* profile_record */
  PROFILE_PEAK,    /* profile_sum by stack, twice: the second half begins at capacity / 2 (peak_which) */
  PROFILE_SECTIONS
} profile_section_id;

typedef struct profile_section {
  uint64_t offset;       /* of the first record, bytes from the file's start */
  uint32_t record_bytes; /* 1 for bytes */
  uint32_t capacity;     /* records */
  _Atomic uint32_t used; /* records from the first on; of PROFILE_PEAK the records of one half */
  uint32_t unused;
} profile_section;

/* Whose Python frames a stack has. */
typedef enum profile_kind {
  PROFILE_NO_PYTHON, /* none: a thread that is neither Python's nor works on a task */
  PROFILE_OWN,       /* those of the thread that allocated */
  PROFILE_TASK       /* a thread of Arrow's: those that gave it the task */
} profile_kind;

/* PROFILE_STACKS. It has its native frames as return addresses, innermost first, and then its Python frames,
 * innermost first, as numbers of PROFILE_FRAMES. */
typedef struct profile_stack {
  _Atomic uint32_t ready; /* 1: complete; set last */
  uint32_t words;         /* the first of them in PROFILE_WORDS */
  uint16_t native_count, python_count;
  uint32_t kind; /* a profile_kind */
  uint32_t pool; /* text: the pool's name, such as "arrow.mimalloc" */
  uint32_t unused;
  /* All that was ever allocated with it, as estimated: bytes, buffers times 1024, and by how many samples. */
  _Atomic int64_t total_bytes, total_count, samples;
} profile_stack;

/* PROFILE_FRAMES */
typedef struct profile_frame {
  _Atomic uint32_t ready;  /* 1: complete; set last */
  uint32_t file, function; /* texts: co_filename, co_qualname (before 3.11 co_name) */
  int32_t line;            /* 0: not known */
  int32_t first_line;      /* co_firstlineno */
  uint32_t unused[3];
} profile_frame;

/* PROFILE_MODULES: what was mapped at the native frames. A later one replaces an earlier one where they
 * overlap. */
typedef struct profile_module {
  uint64_t from, to;       /* addresses */
  uint64_t bias;           /* an address less this is a symbol's value in the file */
  uint32_t build_id_bytes; /* 0: there is none */
  uint8_t build_id[20];
  uint32_t path; /* text */
  _Atomic uint32_t ready;
  uint32_t unused[2];
} profile_module;

/* PROFILE_THREADS */
typedef struct profile_thread {
  _Atomic int32_t number; /* gettid(); set last */
  char name[16];          /* as the kernel has it at the thread's first sample */
  uint32_t unused;
} profile_thread;

/* PROFILE_RECORDS: a live buffer that was sampled. */
typedef struct profile_record {
  _Atomic uint64_t address; /* 0: none; set last and cleared first */
  uint64_t size;            /* bytes */
  uint32_t stack, thread;   /* numbers of their sections; of a buffer that grew as of the last sample */
  uint32_t since;           /* tenths of a second from the profile's start_time to when it was allocated */
  float exposure;
  uint32_t unused[4];
} profile_record;

/* PROFILE_PEAK: what lived of a stack at the moment of the most live bytes, as estimated. */
typedef struct profile_sum {
  int64_t bytes, count; /* count: buffers times 1024 */
} profile_sum;

typedef enum profile_state {
  PROFILE_RUNNING, /* or it is gone without an orderly end: its number and start time tell */
  PROFILE_ENDED,
  PROFILE_REPLACED
} profile_state;

/* Why there are Python frames, or none. */
typedef enum profile_python {
  PROFILE_PYTHON_ABSENT,  /* no interpreter in the process (yet) */
  PROFILE_PYTHON_READ,    /* its frames are read */
  PROFILE_PYTHON_UNKNOWN, /* of a version, or a build, whose frames cannot be read */
  PROFILE_PYTHON_OFF      /* not wanted */
} profile_python;

typedef struct profile_header {
  char magic[8];
  uint32_t byte_order, version;
  uint32_t header_bytes, section_count;
  profile_section sections[PROFILE_SECTIONS];
  /* The process, as in a live file (report/live.h). */
  int64_t pid, start_ticks;
  int64_t start_time;       /* of the profile: milliseconds since the epoch */
  _Atomic int64_t end_time; /* 0: not ended */
  _Atomic uint32_t state;   /* a profile_state */
  uint32_t pid_namespace;
  process_file_owner owner;
  int64_t parent; /* the process it was forked from, in whose profile is what it inherited; 0: none */
  /* How it was taken. */
  int64_t mean;                 /* bytes, as wanted */
  _Atomic int64_t mean_now;     /* it doubles while there are too many samples, or records are short */
  _Atomic uint32_t python;      /* a profile_python */
  _Atomic uint32_t tasks;       /* 1: tasks of Arrow's threads are told by whom they were given */
  char python_version[32];      /* empty: not known */
  _Atomic int64_t samples;      /* taken */
  _Atomic int64_t lost_records; /* samples of live buffers that found no record: live is too small */
  _Atomic int64_t lost_stacks;  /* samples that found no room for their stack: they are "(other)" */
  _Atomic int64_t failed_walks; /* Python stacks that could not be read to the end */
  _Atomic int64_t tasks_given, tasks_told; /* to Arrow's threads; with a Python line or an origin */
  /* The moment of the most live bytes. */
  _Atomic int64_t peak_bytes;    /* as estimated; 0: none yet */
  _Atomic int64_t peak_time;     /* milliseconds since the epoch */
  _Atomic uint32_t peak_which;   /* the half of PROFILE_PEAK that is valid: 0 or 1 */
  _Atomic uint32_t peak_version; /* it rises with each change: read it before and after */
  /* The last sign of life: of a sample, or of who looks in between; milliseconds since the epoch. */
  _Atomic int64_t seen_time;
  _Atomic uint32_t presence; /* as in base/presence.h */
  uint32_t unused;
} profile_header;

#endif
