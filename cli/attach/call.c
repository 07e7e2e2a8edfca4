/* Puts the stub and its texts behind the end of some library's code, an empty answer behind the end of some
 * library's data, and sends a thread there (call.h). What is written lies where nothing of the process is;
 * only the one call that sets the thread's registers changes what it does. */
#include "cli/attach/call.h"

#ifdef __x86_64__
#include "cli/attach/remote.h"
#include "cli/attach/safe_point.h"

#include "base/clock.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

#define FIND_MILLISECONDS   30000
#define ANSWER_MILLISECONDS 30000
#define SENT_MILLISECONDS   1000
#define RED_ZONE            128

_Static_assert(sizeof(stub_answer) == ANSWER_BYTES && sizeof(stub_values) <= STUB_VALUES_BYTES &&
                   offsetof(stub_values, signals) == STUB_SIGNALS &&
                   offsetof(stub_answer, message) == ANSWER_MESSAGE,
               "the assembler has the same");

/* Where it all goes. */
typedef struct call_places {
  uint64_t stub, texts, answer;
} call_places;

static void call_pause(void) { nanosleep(&(struct timespec){0, 2000000}, NULL); }

/* ---- places ---- */

/* Returns how far a place in the stub lies behind its beginning. */
static size_t stub_offset(const unsigned char *place) {
  return (uintptr_t)place - (uintptr_t)attach_stub_begin;
}

static size_t stub_bytes(void) { return (stub_offset(attach_stub_end) + 7) & ~(size_t)7; }

static size_t texts_bytes(const call *c) {
  return strlen(c->library) + strlen(c->function) + c->options_size + 2 + 3 * sizeof(uint64_t);
}

/* Returns the first rest with that much room; 0: there is none. `but` is taken up to its end. */
static uint64_t find_room(const range *rests, size_t count, size_t size, range taken) {
  for (size_t i = 0; i < count; i++) {
    uint64_t begin = rests[i].begin == taken.begin ? taken.end : rests[i].begin;
    if (rests[i].end - begin >= size)
      return begin;
  }
  return 0;
}

/* Returns whether memory is as the loader left it, or an answer of ours. */
static bool is_free(const subject *s, uint64_t at, uint32_t *state) {
  static const char zeroes[ANSWER_BYTES];
  stub_answer there;
  if (!remote_read(s->pid, at, &there, sizeof there))
    return false;
  *state = there.state;
  return memcmp(&there, zeroes, sizeof there) == 0 || (there.state >= STUB_SENT && there.state <= STUB_DONE);
}

static uint64_t find_answer(const subject *s, uint32_t *state) {
  for (size_t i = 0; i < s->data_rests_count; i++)
    if (s->data_rests[i].end - s->data_rests[i].begin >= ANSWER_BYTES &&
        is_free(s, s->data_rests[i].begin, state))
      return s->data_rests[i].begin;
  return 0;
}

static bool find_places(const subject *s, const call *c, call_places *out, uint32_t *state) {
  range none = {0, 0};
  out->stub = find_room(s->code_rests, s->code_rests_count, stub_bytes(), none);
  out->texts = find_room(s->code_rests, s->code_rests_count, texts_bytes(c),
                         (range){out->stub, out->stub + stub_bytes()});
  out->answer = find_answer(s, state);
  return out->stub && out->texts && out->answer;
}

const char *call_judge(const subject *s, const call *c) {
  call_places places;
  uint32_t state = 0;
  return find_places(s, c, &places, &state)
             ? NULL
             : "no memory that nobody uses was found in it for so much text: paths and options are long";
}

/* Waits until no earlier call is under way: whoever sent it may have been killed. One that was about to be
 * sent need not have been. Returns NULL, or why there is no waiting for it. */
static const char *wait_for_earlier(const subject *s, const call *c) {
  call_places places;
  uint32_t state = 0;
  int64_t start = clock_milliseconds();
  while (find_places(s, c, &places, &state) && (state == STUB_BEGUN || state == STUB_SENT)) {
    if (clock_milliseconds() - start > (state == STUB_BEGUN ? ANSWER_MILLISECONDS : SENT_MILLISECONDS))
      break;
    call_pause();
  }
  return state == STUB_BEGUN
             ? "an earlier arrowpool attach is still under way: another thread holds its loader"
             : NULL;
}

/* ---- sending ---- */

/* Writes one text, and returns where the next one goes. */
static uint64_t write_text(long tid, uint64_t at, const char *text, size_t size, bool *written) {
  *written &= remote_write_code(tid, at, text, size);
  return (at + size + 7) & ~UINT64_C(7);
}

static bool write_stub(const subject *s, const call *c, const call_places *places, long tid) {
  static unsigned char image[4096];
  stub_values values = s->functions;
  bool written = true;
  if (stub_bytes() > sizeof image)
    return false;
  values.answer = places->answer;
  values.path = places->texts;
  values.function = write_text(tid, values.path, c->library, strlen(c->library) + 1, &written);
  values.options = write_text(tid, values.function, c->function, strlen(c->function) + 1, &written);
  write_text(tid, values.options, c->options, c->options_size, &written);
  memset(image, 0, sizeof image);
  memcpy(image, attach_stub_begin, stub_offset(attach_stub_end));
  memcpy(image, &values, sizeof values);
  return written && remote_write_code(tid, places->stub, image, stub_bytes());
}

/* Sends the thread to the stub, from which it comes back by itself. */
static bool send_thread(const subject *s, const call_places *places, safe_point *p) {
  uint64_t back = safe_point_resume(p);
  struct iovec space = {&p->registers, sizeof p->registers};
  stub_answer answer = {.state = STUB_SENT};
  p->registers.rsp -= RED_ZONE + sizeof back;
  p->registers.rip = places->stub + stub_offset(attach_stub_entry);
  return remote_write(s->pid, places->answer, &answer, sizeof answer) &&
         remote_write(s->pid, p->registers.rsp, &back, sizeof back) &&
         ptrace(PTRACE_SETREGSET, (pid_t)p->tid, (void *)NT_PRSTATUS, &space) == 0;
}

/* Waits for the answer, while nothing is traced any more. */
static bool wait_for_answer(const subject *s, const call_places *places, stub_answer *out) {
  int64_t deadline = clock_milliseconds() + ANSWER_MILLISECONDS;
  do {
    if (!remote_read(s->pid, places->answer, out, sizeof *out))
      return false;
    if (out->state == STUB_DONE)
      return true;
    call_pause();
  } while (clock_milliseconds() < deadline);
  errno = ETIMEDOUT;
  return false;
}

static void clear_answer(const subject *s, const call_places *places) {
  stub_answer none = {0};
  remote_write(s->pid, places->answer, &none, sizeof none);
}

static bool say(char text[CALL_TEXT_BYTES], const char *what) {
  snprintf(text, CALL_TEXT_BYTES, "%s", what);
  return false;
}

static bool read_answer(const subject *s, const call_places *places, int *status,
                        char text[CALL_TEXT_BYTES]) {
  stub_answer answer;
  if (!wait_for_answer(s, places, &answer))
    return say(text,
               errno == ETIMEDOUT
                   ? "its loader is held by another thread: it goes on as before, and is served as soon as "
                     "that lets go"
                   : "it has ended meanwhile");
  clear_answer(s, places);
  answer.message[sizeof answer.message - 1] = 0;
  *status = answer.status;
  if (answer.error)
    snprintf(text, CALL_TEXT_BYTES, "it could start no thread for it: %s", strerror(answer.error));
  else
    say(text, answer.message);
  return answer.called;
}

bool call_make(const subject *s, const call *c, int *status, char text[CALL_TEXT_BYTES]) {
  call_places places;
  safe_point point;
  uint32_t state = 0;
  const char *problem = call_judge(s, c);
  if (!problem)
    problem = wait_for_earlier(s, c);
  if (!problem)
    problem = safe_point_find(s, FIND_MILLISECONDS, &point);
  if (problem)
    return say(text, problem);
  bool sent = find_places(s, c, &places, &state) && write_stub(s, c, &places, point.tid) &&
              send_thread(s, &places, &point);
  int error = errno;
  safe_point_leave(&point);
  if (sent)
    return read_answer(s, &places, status, text);
  clear_answer(s, &places);
  snprintf(text, CALL_TEXT_BYTES, "its memory cannot be written: %s", strerror(error));
  return false;
}
#else

/* judge.c refuses before anybody comes here. */
const char *call_judge(const subject *s, const call *c) {
  (void)s, (void)c;
  return NULL;
}

bool call_make(const subject *s, const call *c, int *status, char text[CALL_TEXT_BYTES]) {
  (void)s, (void)c, (void)status, (void)text;
  return false;
}
#endif
