/* Makes, fills and leaves the live file of live.h. Everything here is off the hot path, and happens under
 * LOCK_SHARDS or in a fork. */
#include "report/live.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/file_fault.h"
#include "base/fork_detect.h"
#include "base/live_name.h"
#include "base/process_file.h"
#include "base/round_up.h"
#include "base/writer.h"
#include "counters/counters.h"
#include "counters/counters_area.h"
#include "memory/idle.h"
#include "memory/range.h"
#include "report/live_fields.h"
#include "report/live_former.h"
#include "report/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* File space is allocated by this: whole pages, on any kernel. */
#define STEP          (RANGE_UNIT > (size_t)16 << 10 ? RANGE_UNIT : (size_t)16 << 10)
#define FIELDS_OFFSET 4096
#define POOLS_OFFSET  ((size_t)8192)
#define SHARDS_OFFSET ((POOLS_OFFSET + POOL_COUNT * sizeof(area_pool) + 0xffff) & ~(size_t)0xffff)
#define MAX_SHARDS    ((size_t)16384)
#define FILE_SIZE     (SHARDS_OFFSET + MAX_SHARDS * sizeof(area_shard))

static const process_file_kind kind = {.suffix = LIVE_SUFFIX,
                                       .magic = LIVE_MAGIC,
                                       .pid_offset = offsetof(live_header, pid),
                                       .state_offset = offsetof(live_header, state),
                                       .replaced = LIVE_REPLACED};
static process_file file = {.kind = &kind};
static bool keep_file;
static _Atomic bool active; /* a file is mapped, and is this process's own */
static bool in_memory;      /* memory has taken the file's place, with what was in it */
static void (*complain)(const char *path, const char *problem);
static char *base;    /* start of the mapping; NULL: none yet */
static char *copy;    /* a copy of what is used, for a fork's child; there while there is a file */
static size_t copied; /* at the last fork: up to where the pools were; 0: nothing */
static size_t ready_pools, ready_shards; /* of the copy: what can be written to (bytes) */
static size_t shards_allocated;

static live_header *header(void) { return (live_header *)(void *)base; }
static area_pool *pools(void) { return (area_pool *)(void *)(base + POOLS_OFFSET); }
static area_shard *shards(void) { return (area_shard *)(void *)(base + SHARDS_OFFSET); }

live_header *live_own_header(void) { return active && fork_detect_is_own() ? header() : NULL; }

void live_write_sign(live_header *h) {
  snapshot_resident r;
  live_former_copy(shards());
  snapshot_read_resident(&r);
  atomic_store_explicit(&h->rss_bytes, live_known(r.now), memory_order_relaxed);
  atomic_store_explicit(&h->peak_rss_bytes, live_known(r.most), memory_order_relaxed);
  atomic_store_explicit(&h->anonymous_bytes, live_known(r.anonymous), memory_order_relaxed);
  atomic_store_explicit(&h->seen_time, clock_since_epoch(), memory_order_release);
}

static void write_header(void) {
  snapshot_process process;
  live_header *h = header();
  snapshot_read_process(false, &process);
  memcpy(h->magic, LIVE_MAGIC, sizeof h->magic);
  h->byte_order = LIVE_BYTE_ORDER;
  h->version = LIVE_VERSION;
  h->header_bytes = sizeof *h;
  h->field_bytes = sizeof *live_fields;
  h->pool_bytes = sizeof(area_pool);
  h->shard_bytes = sizeof(area_shard);
  h->field_count = live_field_count;
  h->pool_count = POOL_COUNT;
  h->fields_offset = FIELDS_OFFSET;
  h->pools_offset = POOLS_OFFSET;
  h->shards_offset = SHARDS_OFFSET;
  h->pid = process.pid;
  h->start_time = process.start_time;
  h->limit_bytes = process.limit_bytes;
  live_write_sign(h);
  h->group_limit_bytes = live_known(process.group_limit_bytes);
  h->kills = *snapshot_kills();
  h->oom_kills = memory_kills_count(&h->kills);
  h->start_ticks = process_file_start_ticks();
  h->pid_namespace = process_file_pid_namespace();
  process_file_describe_owner(&h->owner);
  memcpy(h->job_name, process.job_name, sizeof h->job_name);
  atomic_store(&h->presence, process.presence);
  memcpy(base + FIELDS_OFFSET, live_fields, live_field_count * sizeof *live_fields);
}

/* ---- the file ---- */

/* Makes a new file, with room for the header, the first pools and the first shards. */
static int live_create(void) {
  int fd = process_file_create(&file, FILE_SIZE);
  if (fd < 0 || (process_file_reserve(fd, 0, STEP) && process_file_reserve(fd, SHARDS_OFFSET, STEP)))
    return fd;
  int error = errno;
  unlink(file.path);
  close(fd);
  errno = error;
  return -1;
}

/* Puts memory of the process's own in place of a part of the file: its figures are lost to readers. */
static bool replace_by_memory(char *from, size_t size) {
  return mmap(from, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0) != MAP_FAILED;
}

/* Gives the file up, which is lost to the process; the process goes on without it. */
static bool give_up_file(const void *address) {
  if (!base || (uintptr_t)address - (uintptr_t)base >= FILE_SIZE || !replace_by_memory(base, FILE_SIZE))
    return false;
  active = in_memory = false; /* what is there now is empty, and knows of no shard */
  return true;
}

/* ---- the counters' view ---- */

/* Makes a part of the copy writable. The kernel takes whole pages, of 64 KiB at most, as which the shards
 * begin. Of two ways one is enough: without its copy the child would have to forget. */
static bool make_writable(size_t offset, size_t size) {
  return mprotect(copy + offset, size, PROT_READ | PROT_WRITE) == 0 || replace_by_memory(copy + offset, size);
}

/* Has addresses for a copy, and access to as much as a fork will fill. They are asked for when the file
 * grows, and not again, so that a fork finds them there. Returns false, with errno, if they cannot be had. */
static bool prepare_copy(size_t pools_end, size_t shards_size) {
  char *fresh = copy;
  if (!fresh)
    fresh = mmap(NULL, FILE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh != copy)
    ready_pools = ready_shards = 0;
  copy = fresh == MAP_FAILED ? NULL : fresh;
  if (!copy || (pools_end > ready_pools && !make_writable(0, pools_end)) ||
      (shards_size > ready_shards && !make_writable(SHARDS_OFFSET, shards_size)))
    return false;
  ready_pools = pools_end > ready_pools ? pools_end : ready_pools;
  ready_shards = shards_size > ready_shards ? shards_size : ready_shards;
  return true;
}

/* Keeps room for a pool's record, which may be the first on its page. */
static void prepare_pool(unsigned pool) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t from = round_up(POOLS_OFFSET + pool * sizeof(area_pool), page);
  size_t end = round_up(POOLS_OFFSET + (pool + 1) * sizeof(area_pool), page);
  if (from < end && end > STEP &&
      !(active && prepare_copy(end, 0) && process_file_allocate(&file, from, end - from))) {
    atomic_fetch_add(&header()->lost, 1);
    replace_by_memory(base + from, end - from);
  }
}

static area_shard *take_shard(void);
static void leave_to_parent(void);

/* Keeps the kernel from reading ahead. Nearly all of the file is a hole; around each page that is touched the
 * kernel would keep zeroes of it in the page cache, as much as the device reads ahead: megabytes on some. */
static void read_nothing_ahead(void) { madvise(base, FILE_SIZE, MADV_RANDOM); }

static void attach(void) {
  int saved = errno, fd = prepare_copy(STEP, STEP) ? live_create() : -1;
  char *fresh = fd < 0 ? MAP_FAILED : mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fresh == MAP_FAILED) {
    complain(file.path[0] ? file.path : file.directory, errors_text(errno));
    area_use(area_pools, NULL);
    if (fd >= 0)
      unlink(file.path);
  } else {
    base = fresh;
    active = true;
    read_nothing_ahead();
    shards_allocated = STEP / sizeof(area_shard);
    write_header();
    file_fault_watch(give_up_file);
    for (unsigned i = 0; i < POOL_COUNT; i++)
      if (area_pools[i].name[0]) {
        prepare_pool(i);
        memcpy(&pools()[i], &area_pools[i], sizeof(area_pool));
      }
    idle_publish(&header()->idle_bytes);
    area_prepare_pool = prepare_pool;
    area_leave = leave_to_parent;
    area_use(pools(), take_shard);
    atomic_fetch_add(&header()->lost, live_former_find(shards(), take_shard));
    live_former_copy(shards());
  }
  if (fd >= 0)
    close(fd);
  errno = saved;
}

static area_shard *take_shard(void) {
  if (!base && !process_file_is_confined())
    attach();
  if (!active && !in_memory)
    return NULL;
  size_t index = atomic_load(&header()->shard_count);
  if (active && index == shards_allocated && index < MAX_SHARDS &&
      prepare_copy(0, index * sizeof(area_shard) + STEP) &&
      process_file_allocate(&file, SHARDS_OFFSET + index * sizeof(area_shard), STEP))
    shards_allocated += STEP / sizeof(area_shard);
  bool room = index < shards_allocated;
  atomic_fetch_add(room ? &header()->shard_count : &header()->lost, 1);
  return room && (active || in_memory) ? &shards()[index] : NULL; /* give_up_file may have been here */
}

void live_start(const char *directory, bool keep, void (*complain_)(const char *, const char *)) {
  if (!process_file_set_directory(&file, directory)) {
    complain_(directory, errors_text(errno));
    return;
  }
  keep_file = keep;
  complain = complain_;
  fork_detect_start();
  area_use(area_pools, take_shard);
}

void live_finish(bool remove) {
  if (!active || !fork_detect_is_own() || !process_file_may_end(header()->pid, remove))
    return;
  live_former_copy(shards());
  atomic_store(&header()->end_time, clock_since_epoch());
  atomic_store(&header()->state, LIVE_ENDED);
  if (remove && !keep_file)
    process_file_remove(&file);
}

/* ---- fork ---- */

/* They return where the pools in use end, and how many bytes of shards are in use. */
static size_t used_pools_end(void) {
  unsigned count = POOL_COUNT;
  while (count && !pools()[count - 1].name[0])
    count--;
  return POOLS_OFFSET + count * sizeof *pools();
}

static size_t used_shards(const char *from) {
  return ((const live_header *)(const void *)from)->shard_count * sizeof(area_shard);
}

static void copy_used(char *to, const char *from) {
  memcpy(to, from, copied);
  memcpy(to + SHARDS_OFFSET, from + SHARDS_OFFSET, used_shards(from));
}

void live_prefork(void) {
  size_t end = base ? used_pools_end() : 0;
  if (active)
    live_former_copy(shards());
  copied = base && prepare_copy(end, used_shards(base) + 1) ? end : 0;
  if (copied)
    copy_used(copy, base);
}

/* Maps a file of the child's own in place of the parent's. */
static bool map_file(int fd) {
  size_t used = round_up(used_shards(copy) + 1, STEP);
  shards_allocated = used / sizeof(area_shard);
  bool done = process_file_reserve(fd, 0, round_up(copied, STEP)) &&
              process_file_reserve(fd, SHARDS_OFFSET, used) &&
              mmap(base, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
  if (done)
    read_nothing_ahead();
  return done;
}

/* Goes on in the copy, for which nothing has to be mapped. */
static void use_copy(void) {
  area_move(base, FILE_SIZE, copy);
  base = copy;
  copy = NULL;
  idle_publish(&header()->idle_bytes);
}

static void forget(void) {
  live_former_forget();
  idle_publish(NULL);
  area_forget();
  base = NULL;
}

/* Leaves the parent's file. The mapping is still the parent's: until it is replaced nothing may be counted.
 * Where no file can be had, memory takes its place. Returns false if the figures are lost. */
static bool leave_file(void) {
  if (replace_by_memory(base, FILE_SIZE)) {
    shards_allocated = MAX_SHARDS;
    if (copied)
      copy_used(base, copy);
    return copied;
  }
  shards_allocated = ready_shards / sizeof(area_shard);
  if (copied)
    use_copy();
  else
    forget();
  counters_forget_shards();
  return copied;
}

static void leave_to_parent(void) {
  if (!active)
    return;
  live_prefork();
  in_memory = leave_file();
  active = false;
}

void live_postfork_child(void) {
  fork_detect_renew();
  if (!base)
    return;
  bool parents = active;
  int fd = copied ? live_create() : -1;
  bool mapped = fd >= 0 && map_file(fd);
  active = mapped;
  in_memory = in_memory && !mapped;
  if (mapped) {
    copy_used(base, copy);
    write_header();
    live_former_copy(shards());
  } else if (parents) {
    in_memory = leave_file();
  }
  if (fd >= 0) {
    if (!mapped)
      unlink(file.path);
    close(fd);
  }
}
