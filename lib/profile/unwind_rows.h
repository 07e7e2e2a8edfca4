/* How to go from a frame to its caller's, on x86-64: the row that an object's .eh_frame has for an address,
 * in 30 bits.
 *
 * The canonical frame address (CFA) is the stack pointer as it was before the call. A row tells it by the
 * frame's stack pointer or by rbp, and where the frame keeps its caller's rbp. What a row cannot tell ends a
 * stack: other registers, signal frames, and expressions but those of functions that align their stack. */
#ifndef ARROWPOOL_PROFILE_UNWIND_ROWS_H
#define ARROWPOOL_PROFILE_UNWIND_ROWS_H

#include "profile/loaded.h"

#include <stdint.h>

#define UNWIND_ROW_BITS 30

/* From the highest bit: three of the kind, 19 of the CFA's offset in words (signed), and 8 of how many words
 * below the CFA the caller's rbp is; 0: rbp is as in the caller. */
typedef uint32_t unwind_row;

typedef enum unwind_kind {
  UNWIND_NO_ROW,    /* it has not been worked out: the whole row is 0 */
  UNWIND_UNKNOWN,   /* no table tells */
  UNWIND_OUTERMOST, /* the thread begins here */
  UNWIND_BY_SP,     /* the CFA is the stack pointer plus the offset */
  UNWIND_BY_BP,     /* it is rbp plus the offset */
  UNWIND_STORED     /* it lies at rbp plus the offset, and the caller's rbp at rbp */
} unwind_kind;

static inline unwind_kind unwind_row_kind(unwind_row row) { return (unwind_kind)(row >> 27); }

/* The offset in bytes. */
static inline intptr_t unwind_row_offset(unwind_row row) { return ((int32_t)(row << 5) >> 13) * 8; }

/* How far below the CFA the caller's rbp is (bytes). */
static inline uintptr_t unwind_row_saved(unwind_row row) { return (uintptr_t)(row & 0xff) << 3; }

/* Works out the row of the instruction at the address, which is of a call that the calling thread is in. It
 * takes no lock; loaded_is_lock_free must be true. */
unwind_row unwind_rows_work_out(uintptr_t address);

/* The same where the object is known. It reads what loaded.h lets it, and ends with UNWIND_UNKNOWN whatever
 * is wrong there. */
unwind_row unwind_rows_in(const loaded_object *o, uintptr_t address);

#endif
