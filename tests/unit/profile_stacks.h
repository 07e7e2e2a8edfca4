/* Many stacks that differ, in a library: frames of the program that is tested are left out of them as our
 * own. */
#ifndef PROFILE_STACKS_H
#define PROFILE_STACKS_H

/* Returns what `function` returns, which is called on a stack that no other `way` of so many bits has. */
__attribute__((visibility("default"))) void *profile_stacks_call(unsigned way, int bits,
                                                                 void *(*function)(void *), void *argument);

#endif
