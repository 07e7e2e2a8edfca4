/* The profile's file and what finds things in it, under LOCK_PROFILE.
 *
 * The file is made at the first sample; its sections get room on the disk as they are used. What a reader
 * does not need, hash chains above all, lies in memory of the process's own. */
#ifndef ARROWPOOL_PROFILE_STORE_H
#define ARROWPOOL_PROFILE_STORE_H

#include "profile/profile_format.h"
#include "profile/python_frames.h"

#include <stdbool.h>
#include <stddef.h>

/* Sets where files are made (absolute) and whether they stay after an orderly end. Returns false, having told
 * `complain`, if there is no memory or the name is too long. Problems that come later are told once. */
typedef void store_complain(const char *path, const char *problem);
bool store_start(const char *directory, bool keep, store_complain *complain);

/* Returns the directory that was set; it lasts as long as the process. */
const char *store_directory(void);

/* Returns the header of the file, which is made if there is none; NULL if that failed, or the file was cut
 * off, which is final. Where it was cut off what is under way may still use all others of these, to no
 * effect. */
profile_header *store_open(void);

/* Where the file is mapped; NULL: there is none. And where the sections begin, bytes from there. */
extern char *_Atomic store_mapping;
extern size_t store_offsets[PROFILE_SECTIONS];

/* Returns the header; NULL while there is no file. It takes no lock. */
static inline profile_header *store_header(void) {
  return (profile_header *)(void *)atomic_load_explicit(&store_mapping, memory_order_acquire);
}

/* Returns false in a child that has memory of its own but came without the handlers of a fork: what it finds
 * is its parent's. It asks the kernel for nothing, from 4.14 on. */
bool store_is_own(void);

/* It changes whenever numbers of the file's records lose their meaning: in a fork's child. */
extern _Atomic unsigned store_generation;

static const uint32_t store_record_sizes[PROFILE_SECTIONS] = {
    [PROFILE_STACKS] = sizeof(profile_stack),   [PROFILE_WORDS] = sizeof(uint64_t),
    [PROFILE_FRAMES] = sizeof(profile_frame),   [PROFILE_STRINGS] = 1,
    [PROFILE_MODULES] = sizeof(profile_module), [PROFILE_THREADS] = sizeof(profile_thread),
    [PROFILE_RECORDS] = sizeof(profile_record), [PROFILE_PEAK] = sizeof(profile_sum)};

/* Returns the record of that number, which the section has; the caller knows the type. */
static inline void *store_record(profile_section_id section, uint32_t number) {
  return atomic_load_explicit(&store_mapping, memory_order_relaxed) + store_offsets[section] +
         (size_t)number * store_record_sizes[section];
}

/* Returns how many records of a section are in use: not of PROFILE_PEAK. It takes no lock; a record that it
 * counts may still be written by who has it. */
uint32_t store_used(profile_section_id section);

/* Takes the next `count` records of a section, all zero, and returns the number of the first; 0 (which is
 * taken from the start in all sections) if there is no room. */
uint32_t store_take(profile_section_id section, uint32_t count);

/* Makes sure of room for the first `count` records, without taking them. */
bool store_has_room(profile_section_id section, uint32_t count);

#define STORE_MOST_STACKS 8192

/* Texts begin at multiples of this (bytes), and are found by the quotient. */
#define STORE_TEXT_UNIT 8

/* A hash table of numbers by chains, for one section. */
typedef struct store_chains {
  _Atomic uint32_t *heads; /* the chain's first number; 0: none */
  uint32_t *next;          /* by number */
  uint32_t mask;           /* of `heads` */
} store_chains;
extern store_chains store_stacks, store_frames, store_strings, store_records;

static inline uint32_t store_first(const store_chains *c, uint64_t hash) {
  return atomic_load_explicit(&c->heads[hash & c->mask], memory_order_relaxed);
}
void store_link(store_chains *c, uint64_t hash, uint32_t number);
void store_unlink(store_chains *c, uint64_t hash, uint32_t number);

/* Mixes a word into a hash. */
static inline uint64_t store_mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

/* Of each frame what it is known by, of each stack its hash, and how many bytes each record stands for. */
extern python_frame *store_frame_keys;
extern double *store_record_bytes;
extern uint64_t *store_stack_hashes;

/* Notes an orderly end: the file says so, and goes if it is to. It is async-signal-safe and takes no lock;
 * nothing happens in a child that does not have a file of its own. */
void store_finish(bool remove);

/* Leaves the parent's file, without touching it; a file of the child's own is made at its first sample, or
 * none if the fork came within a sample of the calling thread's. */
void store_fork_child(bool in_sample);

#endif
