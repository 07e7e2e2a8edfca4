/* Live files: the counters of a process in a file that others can read, also after the process was killed.
 *
 * The file is a shared mapping in which the counters themselves lie (counters_area.h), so keeping it costs
 * nothing. It describes itself: a reader needs the header and the table of fields, and no other knowledge of
 * this version. It is made at the first event, for its owner only, sparse, and allocated before it is
 * touched; what finds no room on the disk stays in memory of the process's own, and the header says so. */
#ifndef ARROWPOOL_REPORT_LIVE_H
#define ARROWPOOL_REPORT_LIVE_H

#include "base/memory_kills.h"
#include "base/process_file.h"
#include "counters/fields.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_MAGIC      "ARRWPOOL"
#define LIVE_VERSION    1
#define LIVE_BYTE_ORDER 0x01020304u

typedef enum live_state {
  LIVE_RUNNING, /* or it is gone without an orderly end: its number and start time tell */
  LIVE_ENDED,   /* it left in an orderly way */
  LIVE_REPLACED /* it became another program by exec, which has a file of its own */
} live_state;

typedef enum live_place { LIVE_IN_POOL, LIVE_IN_SHARD } live_place;

/* Says where a 64-bit integer lies (or text, where the size is not 8). Sums of a pool are those of its shards
 * less its own `baseline`, which has the order of the sums. */
typedef struct live_field {
  char name[40];
  uint32_t place; /* a live_place */
  uint32_t offset, size;
  uint32_t is_sum;
} live_field;

typedef struct live_header {
  char magic[8];
  uint32_t byte_order, version;
  uint32_t header_bytes, field_bytes, pool_bytes, shard_bytes; /* sizes of the records */
  uint32_t field_count, pool_count;
  uint64_t fields_offset, pools_offset, shards_offset;
  _Atomic uint32_t shard_count;         /* in use, from the first on */
  _Atomic uint32_t lost;                /* records that found no room in the file */
  _Atomic uint32_t state;               /* a live_state */
  uint32_t pid_namespace;               /* in which the pid is the process's; 0: not known */
  int64_t pid, start_ticks;             /* field 22 of /proc/PID/stat */
  int64_t start_time;                   /* milliseconds since the epoch */
  _Atomic int64_t idle_bytes, end_time; /* bytes; milliseconds since the epoch, 0: not ended */
  process_file_owner owner;
  int64_t limit_bytes; /* over all pools; negative: none */
  /* Signs of life (heartbeat.h): what follows is of `seen_time` (milliseconds since the epoch). */
  _Atomic int64_t seen_time;
  _Atomic int64_t rss_bytes, peak_rss_bytes, anonymous_bytes; /* what is resident; 0: not known */
  _Atomic int64_t oom_kills;                                  /* as `kills` tells; below 0: not known */
  memory_kills kills;
  int64_t group_limit_bytes;     /* of memory, by the control groups at the process's start; 0: none */
  char job_name[JOB_NAME_BYTES]; /* what ARROW_POOL_NAME says; "": nothing */
  _Atomic uint32_t presence;     /* as in base/presence.h */
} live_header;
_Static_assert(offsetof(live_header, limit_bytes) == 824, "as files of LIVE_VERSION have it");
_Static_assert(sizeof(live_header) <= 4096, "the table of fields begins there");

/* Returns the header of the file that is mapped, if it is this process's own; else NULL. It takes no lock. */
live_header *live_own_header(void);

/* Writes a sign of life into it: what is resident, and when. It takes no lock; those who do so at the same
 * time write the same. The caller sees to cancellation and errno. */
void live_write_sign(live_header *h);

/* Returns a figure as the header has it, in which 0 is not known. */
static inline int64_t live_known(int64_t number) { return number > 0 ? number : 0; }

/* Keeps a live file in `directory` (absolute), from the next time on that a thread begins to use a pool; what
 * was counted before is copied into it (live_former.h). `keep` keeps it also after an orderly end. It is
 * called once. What goes wrong later is told to `complain`, once, and harms nothing.
 * There is none where the process confines itself before the first event (base/process_file.h).
 */
void live_start(const char *directory, bool keep, void (*complain)(const char *path, const char *problem));

/* Notes an orderly end: the file says so, and goes if it is to. It is async-signal-safe; nothing happens in
 * the child of a vfork. */
void live_finish(bool remove);

/* A fork calls these, between locks_acquire_all and locks_release_all: the child gets a file of its own, with
 * what the parent had counted. A child by the system call, for which these do not run, counts in memory of
 * its own instead (fork_detect.h). */
void live_prefork(void);
void live_postfork_child(void);

#endif
