/* A stack as one list of frames, Python's and native ones. */
#ifndef ARROWPOOL_CLI_WHO_FRAMES_H
#define ARROWPOOL_CLI_WHO_FRAMES_H

#include "cli/who/model.h"

typedef struct who_frame_text {
  const char *name,
      *file;    /* the file is NULL if there is none: of native code, or of what stands for frames */
  int32_t line; /* 0: not known */
  bool last;
} who_frame_text;

/* Tells of the frames from the outermost to the innermost; of a stack without Python frames, first "(no
 * Python frame)", and of tasks, that Arrow's threads begin there. There is at least one. */
typedef void (*who_take_frame)(void *context, const who_frame_text *frame);
void who_tell_frames(const who_model *m, const who_stack *s, who_take_frame take, void *context);

#endif
