/* The records of live buffers that were sampled, and the sums that follow from them. Under LOCK_PROFILE,
 * but for records_may_have. */
#ifndef ARROWPOOL_PROFILE_RECORDS_H
#define ARROWPOOL_PROFILE_RECORDS_H

#include "profile/store.h"

/* Returns false if there surely is no record of a buffer. It takes no lock: whoever frees a buffer comes
 * after whoever allocated it. */
static inline uint64_t records_hash(const void *buffer) {
  uint64_t hash = (uintptr_t)buffer / 64 * UINT64_C(0x9e3779b97f4a7c15);
  return hash >> 40;
}
static inline bool records_may_have(const void *buffer) {
  return store_first(&store_records, records_hash(buffer)) != 0;
}

/* Withdraws the record of a buffer, which is nowhere live until records_enter. Returns its number; 0: there
 * is none. */
uint32_t records_withdraw(const void *buffer);

/* Takes a new record, withdrawn; 0: there is no room. */
uint32_t records_take(void);

/* Has a withdrawn record be that of a buffer, of `size` bytes. */
void records_enter(uint32_t number, const void *buffer, int64_t size);

/* Gives up a withdrawn record. */
void records_release(uint32_t number);

/* Returns how many bytes the records stand for. */
double records_live(void);

/* Keeps what is live by stack as the moment of the peak. */
void records_keep_peak(int64_t time);

/* Returns how many buffers stand behind one sampled with that exposure (profile_format.h), which is often the
 * one that was asked for last. */
double records_weight(float exposure);

/* The child of a fork begins without any. */
void records_fork_child(void);

#endif
