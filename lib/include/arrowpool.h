/* arrowpool: memory pools for Apache Arrow buffers, with aligned reallocation.
 *
 * The semantics are those of arrow::MemoryPool, in C. Sizes are bytes in int64_t, alignments are powers of
 * two in bytes (64 is Arrow's). Every function may be called from any thread at any time unless it says
 * otherwise; none of them may be called from a signal handler. Strings are UTF-8 and end in NUL. */
#ifndef ARROWPOOL_H
#define ARROWPOOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The alignment Arrow asks for, and what an alignment of 0 means here (bytes). */
#define ARROWPOOL_DEFAULT_ALIGNMENT 64

/** Buckets of arrowpool_stats.size_histogram. */
#define ARROWPOOL_HISTOGRAM_BUCKETS 48

/** Longest name of a pool (bytes, without the NUL). */
#define ARROWPOOL_NAME_MAX 63

/** What a statistic holds that this pool cannot know (see arrowpool_stats). */
#define ARROWPOOL_UNKNOWN INT64_MIN

typedef enum arrowpool_status {
  ARROWPOOL_OK = 0,
  ARROWPOOL_OUT_OF_MEMORY = 1, /**< no memory, or too many pools */
  ARROWPOOL_INVALID = 2,       /**< an argument is outside its documented range */
  ARROWPOOL_EXISTS = 3,        /**< a living pool has that name, or it was done before */
  ARROWPOOL_UNSUPPORTED = 4    /**< this processor, or a libarrow of the process, is not known */
} arrowpool_status;

/** Where a pool takes its memory. */
typedef enum arrowpool_backend {
  ARROWPOOL_BACKEND_DEFAULT = 0,  /**< the backend of arrowpool_default() */
  ARROWPOOL_BACKEND_JEMALLOC = 1, /**< the library's private jemalloc; large buffers grow in place */
  ARROWPOOL_BACKEND_SYSTEM = 2    /**< the process's own posix_memalign, realloc and free */
} arrowpool_backend;

/** What happens when a pool finds that its buffers are misused (arrowpool_set_debug). */
typedef enum arrowpool_debug {
  ARROWPOOL_DEBUG_OFF = 0,  /**< nothing is looked for */
  ARROWPOOL_DEBUG_WARN = 1, /**< a line on stderr, and the program goes on as safely as it can */
  ARROWPOOL_DEBUG_TRAP = 2, /**< the line, then SIGTRAP; where a debugger goes on, so does the program */
  ARROWPOOL_DEBUG_ABORT = 3 /**< the line, then abort() */
} arrowpool_debug;

/** A pool. Its statistics are kept apart from those of every other pool. */
typedef struct arrowpool_pool arrowpool_pool;

/** How to make a pool. Set struct_size, leave the rest zero for the defaults; fields are only ever added. */
typedef struct arrowpool_config {
  size_t struct_size;        /**< sizeof(arrowpool_config), always */
  arrowpool_backend backend; /**< zero: the default pool's backend */
  int64_t limit_bytes; /**< most bytes that may be live in the pool, 0 to INT64_MAX; zero: no limit. It is
                            never exceeded, however many threads allocate */
} arrowpool_config;

/** A pool's statistics at one moment. Fields are only ever added, at the end.
 *  A field is ARROWPOOL_UNKNOWN where the pool cannot know it: the aligned functions of libc, served by the
 *  system, do not show which of the freed pointers were theirs. */
typedef struct arrowpool_stats {
  size_t struct_size;            /**< in: sizeof(arrowpool_stats) of the caller */
  int64_t bytes_allocated;       /**< live now (bytes) */
  int64_t max_memory;            /**< peak of bytes_allocated (bytes): exact with one allocating thread, else
                                      within 256 KiB for each thread that allocates; exact under a limit */
  int64_t total_bytes_allocated; /**< sum over all allocations; growth adds its difference (bytes) */
  int64_t num_allocations;       /**< allocations and growing reallocations */
  int64_t num_reallocations;     /**< successful reallocations between two sizes above 0 */
  int64_t num_frees;             /**< frees of buffers of a size above 0 */
  int64_t num_failed;            /**< requests refused for lack of memory */
  int64_t num_fallbacks;         /**< requests the jemalloc backend passed on to the system allocator */
  int64_t reallocs_in_place;     /**< reallocations in which no byte moved */
  int64_t reallocs_remapped;     /**< reallocations in which pages moved, but no byte was copied */
  int64_t reallocs_copied;       /**< reallocations in which bytes were copied */
  int64_t bytes_grown_in_place;  /**< old bytes that stayed where they were (bytes) */
  int64_t bytes_remapped;        /**< old bytes moved by page tables (bytes) */
  int64_t bytes_copied;          /**< old bytes copied (bytes) */
  int64_t inherited_bytes;       /**< live at the fork that made this process (bytes) */
  /** Allocations by size: bucket k counts sizes of 2^k to 2^(k+1)-1 bytes, the last one all above. */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
  int64_t live_histogram[ARROWPOOL_HISTOGRAM_BUCKETS]; /**< buffers live now, by size likewise */
  int64_t limit_bytes; /**< the pool's own limit (bytes); ARROWPOOL_UNKNOWN: it has none */
} arrowpool_stats;

/** Receives a report piece by piece; returning nonzero ends the report. */
typedef int (*arrowpool_write_fn)(void *context, const char *text, size_t size);

typedef enum arrowpool_format {
  ARROWPOOL_FORMAT_TEXT = 0,
  ARROWPOOL_FORMAT_JSON = 1,
  ARROWPOOL_FORMAT_PROMETHEUS = 2 /**< text exposition format 0.0.4 */
} arrowpool_format;

/** How the library is in a process, which says what it serves there. */
typedef enum arrowpool_presence {
  ARROWPOOL_LINKED = 0,    /**< pools that were made with it */
  ARROWPOOL_INSTALLED = 1, /**< Arrow's own pools too: arrowpool_install() */
  ARROWPOOL_PRELOADED = 2  /**< and libc's aligned functions: LD_PRELOAD, `arrowpool run` */
} arrowpool_presence;

/** Serve Arrow's own pools from now on, of every libarrow that is loaded, where the shim cannot be preloaded:
 *  with figures, limits, live file, dumps and profile as under the shim. Buffers that are there already stay
 *  Arrow's. libc's functions are not rerouted. What ends the process without atexit handlers, _exit and
 * abort, writes no dump; the live file has the figures. A libarrow that is loaded later is found by calling
 * this again. It takes the loader's lock.
 *  @param[in]  options  "NAME=VALUE" strings, each ended by NUL, and one NUL more:
 * "live=/run/pools\0limit=8G\0". Names are those of the options of `arrowpool run`, values too; without
 * "pool" it is jemalloc. NULL: what the variables ARROW_POOL_... say, as under the shim.
 *  @param[out] message  in words, cut off to `size` bytes, why not, or "" or what else is to be said; may be
 * NULL
 *  @retval ARROWPOOL_EXISTS   the shim is preloaded, or it was installed before: nothing changes, but that a
 *                             libarrow that is new is served, too
 *  @retval ARROWPOOL_INVALID      an option that cannot be; nothing is changed
 *  @retval ARROWPOOL_UNSUPPORTED  no pool can be patched here; nothing is changed */
arrowpool_status arrowpool_install(const char *options, char *message, size_t size);

/** Leave new requests to Arrow again. Buffers that came from here stay valid, and are resized and freed here;
 *  files go on. arrowpool_install() takes over again, with the options of the first time.
 *  @retval ARROWPOOL_EXISTS  the shim is preloaded, and goes on */
arrowpool_status arrowpool_uninstall(void);

/** Do now what is done at the ordinary end of a process: the dump at exit, and the end in the files that
 * others read. It is for processes that leave by _exit where arrowpool_install() serves; where nothing is
 * installed, and under the shim, which sees _exit itself, nothing happens. */
void arrowpool_finish(void);

/** What is served in this process. */
arrowpool_presence arrowpool_get_presence(void);

/** Have all pools of the process look for misuse of their buffers: what was written up to 64 bytes behind a
 *  buffer's end, buffers freed twice, with a wrong size or alignment, or to a pool that never handed them
 * out. Call it before any other function; it costs memory and time. Under the shim ARROW_POOL_DEBUG decides.
 *  @retval ARROWPOOL_INVALID  no such mode, or another one holds already, or pools are in use */
arrowpool_status arrowpool_set_debug(arrowpool_debug mode);

/** How a profile is taken. Fields are only ever added, at the end. */
typedef struct arrowpool_profile_config {
  size_t struct_size; /**< in: sizeof(arrowpool_profile_config) of the caller */
  int64_t mean_bytes; /**< allocated bytes between two samples, on average; 0: 512 KiB */
  int keep;           /**< not 0: the file stays after an orderly end of the process too */
} arrowpool_profile_config;

/** Begin a profile of all pools of the process, once for all: from now on a sample of the buffers that are
 *  allocated is kept, each with its stack of native functions and lines of Python, in a file in `directory`
 *  that `arrowpool who` reads at any time, also after the process was killed. What lives already is not in
 *  it. Without the shim nothing is known of tasks that Arrow's own threads work on; with it, of those that
 *  are given from now on. The file is made at the first sample; if it cannot be, there is none. Thread-safe.
 *  @param[in] directory  a path; a relative one counts from the directory that the process is in now
 *  @param[in] config     NULL: all defaults
 *  @retval ARROWPOOL_INVALID  NULL, a bad size or struct_size, a name that is too long, or no memory
 *  @retval ARROWPOOL_EXISTS   a profile was begun before */
arrowpool_status arrowpool_start_profile(const char *directory, const arrowpool_profile_config *config);

/** The directory (absolute) of the process's profile, whoever began it: this API, or ARROW_POOL_PROFILE under
 *  the shim. NULL: there is none. It is valid as long as the process. Thread-safe. */
const char *arrowpool_profile_directory(void);

/** Make a pool, or open again one of the same name that was destroyed and has no buffer left; its totals
 *  then go on from where they were.
 *  @param[in]  name    1 to ARROWPOOL_NAME_MAX bytes without control characters; reported as "c:NAME"
 *  @param[in]  config  NULL: all defaults
 *  @param[out] out     the pool, one reference; untouched on error
 *  @retval ARROWPOOL_INVALID        a bad name, backend, limit or struct_size
 *  @retval ARROWPOOL_EXISTS         a pool of that name lives
 *  @retval ARROWPOOL_OUT_OF_MEMORY  256 pools live, the built-in ones included: 254 are left, and 252 under
 *          the shim */
arrowpool_status arrowpool_create(const char *name, const arrowpool_config *config, arrowpool_pool **out);

/** Drop the reference. The pool lives until its last buffer is freed: until then its buffers can be
 *  reallocated and freed, but no new one is allocated. NULL and the built-in pools are left alone. */
void arrowpool_destroy(arrowpool_pool *pool);

/** Set the most bytes that may be live in a pool, as arrowpool_config.limit_bytes does, at any time. From its
 *  return on the limit is exact, however many threads allocate: only what another thread had begun before may
 *  still be served, and counts. Where more is live already it stays, and no request that needs more is served
 *  until less is. A pool that ever had a limit costs an atomic addition or two an allocation from then on,
 *  also when it has none any more.
 *  @param[in] limit_bytes  0 to INT64_MAX; zero: no limit of its own
 *  @retval ARROWPOOL_INVALID  NULL, a negative limit, or a destroyed pool */
arrowpool_status arrowpool_set_limit(arrowpool_pool *pool, int64_t limit_bytes);

/** The pool for callers that did not choose one: arrowpool_jemalloc() unless set otherwise. Never NULL. */
arrowpool_pool *arrowpool_default(void);
/** The built-in pool on the private jemalloc, reported as "c:jemalloc". Never NULL. */
arrowpool_pool *arrowpool_jemalloc(void);
/** The built-in pool on the process's own allocator, reported as "c:system". Never NULL. */
arrowpool_pool *arrowpool_system(void);
/** Make `pool` the default one. The caller keeps it alive; NULL restores the initial one. */
void arrowpool_set_default(arrowpool_pool *pool);

/** Allocate a buffer; its contents are undefined.
 *  @param[in]  size       bytes, 0..INT64_MAX; 0 gives an aligned pointer that must not be dereferenced
 *  @param[in]  alignment  bytes, a power of two; 0: ARROWPOOL_DEFAULT_ALIGNMENT
 *  @param[out] out        the buffer, to be given back with arrowpool_free; untouched on error
 *  @retval ARROWPOOL_INVALID        negative size, size that overflows with its alignment, no power of two,
 *                                   NULL, or a destroyed pool
 *  @retval ARROWPOOL_OUT_OF_MEMORY  no memory, or a limit would be exceeded
 *  Mirrors arrow::MemoryPool::Allocate. */
arrowpool_status arrowpool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, uint8_t **out);

/** Resize a buffer; in place wherever the backend can.
 *  @param[in]     old_size   bytes, as last requested
 *  @param[in]     new_size   bytes, 0..INT64_MAX; contents are kept up to min(old_size, new_size)
 *  @param[in]     alignment  bytes, as first requested
 *  @param[in,out] buffer     may move; unchanged on error
 *  @retval ARROWPOOL_INVALID        as for arrowpool_allocate
 *  @retval ARROWPOOL_OUT_OF_MEMORY  no memory, or a limit would be exceeded; the old buffer stays as it was
 *  Thread-safe for different buffers. Mirrors arrow::MemoryPool::Reallocate. */
arrowpool_status arrowpool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                      int64_t alignment, uint8_t **buffer);

/** Give a buffer back.
 *  @param[in] buffer     from arrowpool_allocate or arrowpool_reallocate of the same pool; NULL is ignored
 *  @param[in] size       bytes, as last requested
 *  @param[in] alignment  bytes, as first requested
 *  Keeps errno. Mirrors arrow::MemoryPool::Free. */
void arrowpool_free(arrowpool_pool *pool, uint8_t *buffer, int64_t size, int64_t alignment);

/** Give memory that is free but still resident back to the kernel, as far as the backend can.
 *  Mirrors arrow::MemoryPool::ReleaseUnused. */
void arrowpool_release_unused(arrowpool_pool *pool);

/** Read a pool's statistics: exact while no thread uses the pool.
 *  @param[in,out] out  out->struct_size set by the caller; as many fields as fit are written
 *  @retval ARROWPOOL_INVALID  NULL, or a struct_size that does not even hold bytes_allocated */
arrowpool_status arrowpool_get_stats(const arrowpool_pool *pool, arrowpool_stats *out);

/** Tell the most that was live at one time, over all pools together, in a part of a program: since the last
 * call that began to watch. Not in it is what the aligned functions of libc handed out. It is exact where one
 *  thread allocates, else within 256 KiB for each thread and pool. There is one watch in a process, and
 *  whoever calls this takes its peak away; allocations of 256 KiB and more are a little dearer meanwhile.
 *  Thread-safe.
 *  @param[in] watch  not 0: watch from now on; 0: no longer
 *  @return bytes; ARROWPOOL_UNKNOWN if nobody watched */
int64_t arrowpool_take_peak(int watch);

/** Write a report on the process and all its pools. Allocates nothing.
 *  @retval ARROWPOOL_INVALID  unknown format, NULL, or `write` returned nonzero */
arrowpool_status arrowpool_report(arrowpool_format format, arrowpool_write_fn write, void *context);

/** Say in words what stood in the way of a request that has just ended in ARROWPOOL_OUT_OF_MEMORY, such as
 *  "malloc of size 1000 failed: pool c:etl has 900 bytes of its limit of 1.5 KiB". No limit is named if none
 *  is in the way (any more).
 *  @param[in]  old_size  bytes, as passed to arrowpool_reallocate; 0 for an allocation
 *  @param[in]  new_size  bytes, as requested
 *  @param[out] out       the text with its NUL, cut off to `size` bytes; 320 hold any
 *  @retval ARROWPOOL_INVALID  NULL, or a size of 0 */
arrowpool_status arrowpool_describe_failure(const arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                            char *out, size_t size);

/** How much memory the process may use (bytes): the least limit of its control groups, versions 1 and 2, or
 * all of the machine's. What a percentage in ARROW_POOL_LIMIT refers to. Reads files, so not for hot paths.
 */
int64_t arrowpool_available_memory(void);

/** The name the pool is reported under; valid as long as the pool. */
const char *arrowpool_name(const arrowpool_pool *pool);

/** A status in words; static text, never NULL. */
const char *arrowpool_status_message(arrowpool_status status);

/** The version of the library that runs, as "MAJOR.MINOR.PATCH"; static text. */
const char *arrowpool_version(void);

#ifdef __cplusplus
}
#endif
#endif
