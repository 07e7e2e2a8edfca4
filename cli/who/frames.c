/* Puts Python's frames outside of the native ones, between which it is not known how they follow one another.
 */
#include "cli/who/frames.h"

void who_tell_frames(const who_model *m, const who_stack *s, who_take_frame take, void *context) {
  who_frame_text text = {.last = !s->native_count};
  if (!s->python_count) {
    text.name = s->other ? "(other)" : "(no Python frame)";
    take(context, &text);
  }
  bool by_task = s->python_count && s->kind == PROFILE_TASK;
  for (uint32_t i = s->python_count; i--;) {
    const who_frame *f = who_frame_of(m, s, i);
    take(context, &(who_frame_text){f->function, f->file, f->line, !i && !s->native_count && !by_task});
  }
  if (by_task)
    take(context, &(who_frame_text){.name = "(by Arrow's threads)", .last = !s->native_count});
  for (uint32_t i = s->native_count; i--;)
    take(context, &(who_frame_text){.name = who_native_of(m, s, i)->name, .last = !i});
}
