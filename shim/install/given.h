/* The options that a program gives when it installs: the words of the option table, checked before anything
 * is changed. */
#ifndef ARROWPOOL_SHIM_INSTALL_GIVEN_H
#define ARROWPOOL_SHIM_INSTALL_GIVEN_H

#include "options/options.h"

#define GIVEN_MESSAGE_BYTES 640

/* Reads options as arrowpool_install has them; NULL: those of the environment, whose mistakes the user is
 * told as under the shim. Returns false with the reason in `message`, and `out` in pieces, if one cannot be.
 */
bool given_read(const char *given, options *out, char message[GIVEN_MESSAGE_BYTES]);

#endif
