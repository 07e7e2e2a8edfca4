/* Puts what a profile tells into the model, where what is alike is one. */
#ifndef ARROWPOOL_CLI_WHO_INTERN_H
#define ARROWPOOL_CLI_WHO_INTERN_H

#include "cli/who/model.h"

/* They return a text, which is copied, or the number of an entry, which they make if there is none alike. */
const char *who_intern_text(who_model *m, const char *text);
uint32_t who_intern_frame(who_model *m, const who_frame *frame);
uint32_t who_intern_module(who_model *m, const who_module *module);
uint32_t who_intern_native(who_model *m, uint32_t module, uint64_t value);
uint32_t who_intern_thread(who_model *m, const who_thread *thread);

/* Likewise; the words of `stack` are the caller's, and are copied. */
uint32_t who_intern_stack(who_model *m, const who_stack *stack);

#endif
