/* Makes everything but the hooks as the options say: the backend, files that others read, the profile, debug
 * mode, limits. */
#ifndef ARROWPOOL_SHIM_CONFIGURE_H
#define ARROWPOOL_SHIM_CONFIGURE_H

#include "options/options.h"

/* Reads the options from the environment; of mistakes there the user is told. */
void configure_read_environment(options *out);

/* Returns why the options cannot be had in a process that may use pools already; NULL if they can. From then
 * on the debug mode is as they say. */
const char *configure_refuse(const options *settings);

/* It is called once, before a pool of Arrow's is served. The options last as long as the process. */
void configure_all(const options *settings);

#endif
