/* Writes stacks as flame graphs are drawn from: a line for each, from the outermost frame to the innermost,
 * and its bytes. */
#include "cli/who/who.h"

#include "cli/who/frames.h"

/* A ";" would end the frame. */
static void write_name(FILE *out, const char *name) {
  for (; *name; name++)
    fputc(*name == ';' ? ':' : *name, out);
}

static void write_frame(void *context, const who_frame_text *frame) {
  FILE *out = context;
  write_name(out, frame->name);
  if (frame->file) {
    fputs(" (", out);
    write_name(out, frame->file);
    if (frame->line)
      fprintf(out, ":%d", frame->line);
    fputc(')', out);
  }
  fputc(frame->last ? ' ' : ';', out);
}

void who_write_folded(FILE *out, const who_model *m) {
  for (size_t i = 0; i < m->stacks.count; i++) {
    int64_t bytes = who_whole(who_amount_of(m, who_stack_at(m, i))->bytes);
    if (bytes <= 0) /* it did not grow since --minus */
      continue;
    who_tell_frames(m, who_stack_at(m, i), write_frame, out);
    fprintf(out, "%lld\n", (long long)bytes);
  }
}
