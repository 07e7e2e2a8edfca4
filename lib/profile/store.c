/* Makes, grows and leaves the file of store.h. */
#include "profile/store.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/file_fault.h"
#include "base/fork_detect.h"
#include "base/live_name.h"
#include "base/process_file.h"
#include "base/round_up.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sections begin at multiples of the largest page there is, and get room by this. */
#define ALIGNED ((size_t)64 << 10)
#define STEP    ((size_t)16 << 10)

static const uint32_t capacities[PROFILE_SECTIONS] = {[PROFILE_STACKS] = STORE_MOST_STACKS,
                                                      [PROFILE_WORDS] = 128 << 10,
                                                      [PROFILE_FRAMES] = 8192,
                                                      [PROFILE_STRINGS] = 512 << 10,
                                                      [PROFILE_MODULES] = 512,
                                                      [PROFILE_THREADS] = 1024,
                                                      [PROFILE_RECORDS] = 64 << 10,
                                                      [PROFILE_PEAK] = 2 * STORE_MOST_STACKS};

/* Where numbers are found, and what is known of them: in memory of the process's own. */
typedef struct tables {
  _Atomic uint32_t stack_heads[4096], frame_heads[4096], string_heads[4096], record_heads[16384];
  uint32_t stack_next[8192], frame_next[8192], string_next[(512 << 10) / STORE_TEXT_UNIT],
      record_next[64 << 10];
  uint64_t stack_hashes[8192];
  python_frame frame_keys[8192];
  double record_bytes[64 << 10];
} tables;

store_chains store_stacks, store_frames, store_strings, store_records;
python_frame *store_frame_keys;
uint64_t *store_stack_hashes;
double *store_record_bytes;
_Atomic unsigned store_generation;

static const process_file_kind kind = {.suffix = PROFILE_SUFFIX,
                                       .magic = PROFILE_MAGIC,
                                       .pid_offset = offsetof(profile_header, pid),
                                       .state_offset = offsetof(profile_header, state),
                                       .replaced = PROFILE_REPLACED};
static process_file file = {.kind = &kind};
static bool keep_file, failed;
static _Atomic bool lost; /* the file is gone, and memory of the process's own lies where it was mapped */
static store_complain *complain;
char *_Atomic store_mapping;
size_t store_offsets[PROFILE_SECTIONS];
static size_t size;                    /* of the file and its mapping */
static size_t ready[PROFILE_SECTIONS]; /* bytes of each that have room on the disk */
/* What the header says, too, where others could write. */
static _Atomic uint32_t used[PROFILE_SECTIONS];
static tables *own;
static int64_t parent;      /* whose child this process is by a fork; 0: it was started */
static pid_t process;       /* which the file would be of */
static _Atomic int *is_own; /* fork_detect_new_flag */

bool store_is_own(void) { return is_own ? *is_own : process == syscall(SYS_getpid); }

bool store_start(const char *directory, bool keep, store_complain *complain_) {
  complain = complain_;
  keep_file = keep;
  tables *fresh =
      mmap(NULL, sizeof *fresh, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED || !process_file_set_directory(&file, directory)) {
    complain(directory, errors_text(errno));
    return false;
  }
  own = fresh;
  store_stacks = (store_chains){own->stack_heads, own->stack_next, 4095};
  store_frames = (store_chains){own->frame_heads, own->frame_next, 4095};
  store_strings = (store_chains){own->string_heads, own->string_next, 4095};
  store_records = (store_chains){own->record_heads, own->record_next, 16383};
  store_frame_keys = own->frame_keys;
  store_stack_hashes = own->stack_hashes;
  store_record_bytes = own->record_bytes;
  process = (pid_t)syscall(SYS_getpid);
  is_own = fork_detect_new_flag();
  return true;
}

const char *store_directory(void) { return file.directory; }

/* ---- the file ---- */

static void write_header(profile_header *h) {
  memcpy(h->magic, PROFILE_MAGIC, sizeof h->magic);
  h->byte_order = PROFILE_BYTE_ORDER;
  h->version = PROFILE_VERSION;
  h->header_bytes = sizeof *h;
  h->section_count = PROFILE_SECTIONS;
  h->pid = (int64_t)syscall(SYS_getpid);
  h->start_ticks = process_file_start_ticks();
  h->start_time = clock_since_epoch();
  h->seen_time = h->start_time;
  h->pid_namespace = process_file_pid_namespace();
  h->parent = parent;
  process_file_describe_owner(&h->owner);
}

/* Says where the sections lie. Returns the size of it all. */
static size_t place_sections(profile_header *h) {
  size_t at = round_up(sizeof *h, ALIGNED);
  for (int i = 0; i < PROFILE_SECTIONS; i++) {
    store_offsets[i] = at;
    h->sections[i] = (profile_section){at, store_record_sizes[i], capacities[i], 0, 0};
    at += round_up((size_t)store_record_sizes[i] * capacities[i], ALIGNED);
  }
  return at;
}

static bool reserve_beginnings(int fd, const profile_header *h) {
  bool done = process_file_reserve(fd, 0, round_up(sizeof *h, STEP));
  for (int i = 0; i < PROFILE_SECTIONS && done; i++) {
    done = process_file_reserve(fd, h->sections[i].offset, STEP);
    ready[i] = STEP;
  }
  return done;
}

/* Number 0 of each section stands for what found no room, and needs nothing written; text 0 is "?". */
static void take_first_numbers(profile_header *h) {
  for (int i = 0; i < PROFILE_PEAK; i++)
    h->sections[i].used = used[i] = i == PROFILE_STRINGS ? STORE_TEXT_UNIT : 1;
  memcpy(store_record(PROFILE_STRINGS, 0), "?", 2);
  ((profile_stack *)store_record(PROFILE_STACKS, 0))->ready = 1;
}

/* Puts memory of the process's own in place of the file: what is under way ends there, and nothing new
 * begins. */
static bool leave_file(void) {
  char *from = store_mapping;
  if (mmap(from, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
           0) == MAP_FAILED)
    return false;
  lost = true;
  place_sections(store_header());
  return true;
}

/* Gives the file up, which somebody cut off. It is called in a handler of SIGBUS. */
static bool give_up_file(const void *address) {
  const char *from = store_mapping;
  return from && (uintptr_t)address - (uintptr_t)from < size && leave_file();
}

static profile_header *make_file(void) {
  profile_header sections;
  size = place_sections(&sections);
  int fd = process_file_create(&file, size);
  char *fresh = fd >= 0 && reserve_beginnings(fd, &sections)
                    ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                    : MAP_FAILED;
  if (fresh == MAP_FAILED) {
    complain(file.path[0] ? file.path : file.directory, errors_text(errno));
    failed = true;
    if (fd >= 0)
      unlink(file.path);
  } else {
    madvise(fresh, size, MADV_RANDOM); /* nearly all is a hole, which would be read ahead */
    profile_header *h = (profile_header *)(void *)fresh;
    place_sections(h);
    write_header(h);
    atomic_store_explicit(&store_mapping, fresh, memory_order_release);
    file_fault_watch(give_up_file);
    take_first_numbers(h);
  }
  if (fd >= 0)
    close(fd);
  return store_header();
}

/* The child of a vfork, in which the memory is its parent's, makes no file. */
profile_header *store_open(void) {
  profile_header *h = store_header();
  if (lost)
    return NULL;
  return h || failed || process != syscall(SYS_getpid) ? h : make_file();
}

uint32_t store_used(profile_section_id section) {
  return atomic_load_explicit(&used[section], memory_order_relaxed);
}

bool store_has_room(profile_section_id section, uint32_t count) {
  size_t need = (size_t)count * store_record_sizes[section];
  if (count > capacities[section] || lost)
    return false;
  if (need > ready[section]) {
    size_t upto = round_up(need, STEP);
    if (!process_file_allocate(&file, store_offsets[section] + ready[section], upto - ready[section]))
      return false;
    ready[section] = upto;
  }
  return true;
}

static void set_used(profile_section_id section, uint32_t count) {
  atomic_store_explicit(&used[section], count, memory_order_relaxed);
  atomic_store_explicit(&store_header()->sections[section].used, count, memory_order_release);
}

uint32_t store_take(profile_section_id section, uint32_t count) {
  uint32_t number = store_used(section);
  if (count > capacities[section] - number || !store_has_room(section, number + count))
    return 0;
  set_used(section, number + count);
  return number;
}

/* ---- chains ---- */

void store_link(store_chains *c, uint64_t hash, uint32_t number) {
  c->next[number] = store_first(c, hash);
  atomic_store_explicit(&c->heads[hash & c->mask], number, memory_order_release);
}

void store_unlink(store_chains *c, uint64_t hash, uint32_t number) {
  uint32_t before = 0, at = store_first(c, hash);
  while (at && at != number) {
    before = at;
    at = c->next[at];
  }
  if (at && before)
    c->next[before] = c->next[at];
  else if (at)
    atomic_store_explicit(&c->heads[hash & c->mask], c->next[at], memory_order_release);
}

/* ---- its end ---- */

void store_finish(bool remove) {
  profile_header *h = store_header();
  if (!h || (is_own && !*is_own) || !process_file_may_end(h->pid, remove))
    return;
  atomic_store(&h->end_time, clock_since_epoch());
  atomic_store(&h->state, PROFILE_ENDED);
  if (remove && !keep_file)
    process_file_remove(&file);
}

/* The mapping stays, for whoever looks at it at this moment; nobody will again. A handler of a signal that
 * forks while its thread takes a sample is not nobody: the child goes on with the sample, and then without.
 */
void store_fork_child(bool in_sample) {
  profile_header *h = store_header();
  if (!own)
    return;
  process = (pid_t)syscall(SYS_getpid);
  if (is_own)
    *is_own = 1;
  if (h && in_sample && leave_file())
    return;
  if (h && !lost)
    parent = h->pid;
  atomic_store(&store_mapping, NULL);
  if (madvise(own, sizeof *own, MADV_DONTNEED))
    memset(own, 0, sizeof *own);
  memset(ready, 0, sizeof ready);
  failed = false;
  lost = false;
  atomic_fetch_add(&store_generation, 1);
}
