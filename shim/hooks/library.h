/* Redirects the calls of libraries that have pools of their own. */
#ifndef ARROWPOOL_SHIM_HOOKS_LIBRARY_H
#define ARROWPOOL_SHIM_HOOKS_LIBRARY_H

/* Looks at all that is loaded by now. The shim's start calls it, and dlopen. */
void hook_library_redirect(void);

#endif
