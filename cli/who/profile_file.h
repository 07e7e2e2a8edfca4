/* Reads profiles (profile/profile_format.h) as they lie in their files. The process may be writing meanwhile,
 * the file may be cut off, damaged or made up: whatever this hands out is whole, and lies within what was
 * read. */
#ifndef ARROWPOOL_CLI_WHO_PROFILE_FILE_H
#define ARROWPOOL_CLI_WHO_PROFILE_FILE_H

#include "profile/profile_format.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct profile_file_section {
  char *records;
  uint32_t count, record_bytes;
} profile_file_section;

typedef struct profile_file {
  profile_header header;
  profile_file_section sections[PROFILE_SECTIONS];
  bool peak_whole; /* PROFILE_PEAK has one moment's sums */
  int64_t damaged; /* entries that were complete and made no sense; the functions below count them */
} profile_file;

/* Reads a file. Returns NULL on success, else what is wrong with it, in words; nothing is held then. */
const char *profile_file_read(const char *path, profile_file *out);
void profile_file_free(profile_file *f);

/* Copy an entry. They return false if there is no such entry, it is being written, or it makes no sense: the
 * first means that what names it is damaged. Stack number 0 has no frames. */
bool profile_file_stack(profile_file *f, uint32_t number, profile_stack *out);
bool profile_file_frame(profile_file *f, uint32_t number, profile_frame *out);
bool profile_file_module(profile_file *f, uint32_t number, profile_module *out);
bool profile_file_thread(profile_file *f, uint32_t number, profile_thread *out);
bool profile_file_record(profile_file *f, uint32_t number, profile_record *out);
bool profile_file_peak(profile_file *f, uint32_t stack, profile_sum *out);

/* Returns a word of PROFILE_WORDS, which is one of a stack that profile_file_stack handed out. */
uint64_t profile_file_word(const profile_file *f, uint32_t number);

/* Copies a text, cut off to `size` bytes with its NUL, and makes it printable; "?" if there is none. */
void profile_file_text(const profile_file *f, uint32_t offset, char *out, size_t size);

/* Returns a number within what sums of them can hold, and not below 0. */
int64_t profile_file_clamp(int64_t number);

#endif
