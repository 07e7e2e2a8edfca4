/* The code that runs in the other process, stub_x86_64.S, and what it is given there and answers. Its values
 * lie right before it, in memory that the process does not write; the answer lies in memory that it does.
 * Also for the assembler. */
#ifndef ARROWPOOL_CLI_ATTACH_STUB_H
#define ARROWPOOL_CLI_ATTACH_STUB_H

#define STUB_PTHREAD_CREATE 0
#define STUB_PTHREAD_DETACH 8
#define STUB_ERRNO_LOCATION 16
#define STUB_DLOPEN         24
#define STUB_DLSYM          32
#define STUB_DLERROR        40
#define STUB_PATH           48 /* of the library */
#define STUB_FUNCTION       56 /* its name */
#define STUB_OPTIONS        64 /* what it is given */
#define STUB_ANSWER         72
#define STUB_SIGNALS        80 /* those that the new thread holds back */
#define STUB_VALUES_BYTES   96

#define STUB_DLOPEN_FLAGS 0x1002 /* RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE */

#define ANSWER_STATE       0
#define ANSWER_ERROR       4 /* the errno for which no thread could be started */
#define ANSWER_CALLED      8 /* 1: the function was */
#define ANSWER_STATUS      12
#define ANSWER_MESSAGE     16 /* the function's, or the loader's */
#define STUB_MESSAGE_BYTES 480
#define ANSWER_BYTES       (ANSWER_MESSAGE + STUB_MESSAGE_BYTES)

/* States of an answer. Memory that was never one is zero. */
#define STUB_SENT  0x61705001 /* a thread is about to be sent */
#define STUB_BEGUN 0x61705002
#define STUB_DONE  0x61705003

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef struct stub_values {
  uint64_t pthread_create, pthread_detach, errno_location, dlopen, dlsym, dlerror;
  uint64_t path, function, options, answer, signals;
} stub_values;

typedef struct stub_answer {
  uint32_t state;
  int32_t error;
  uint32_t called;
  int32_t status;
  char message[STUB_MESSAGE_BYTES];
} stub_answer;

extern const unsigned char attach_stub_begin[] __attribute__((visibility("hidden")));
extern const unsigned char attach_stub_entry[] __attribute__((visibility("hidden")));
extern const unsigned char attach_stub_end[] __attribute__((visibility("hidden")));
#endif
#endif
