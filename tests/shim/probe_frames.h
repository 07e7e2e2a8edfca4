/* What stands behind the name that the probe of Python's frames takes for itself. */
#ifndef PROBE_FRAMES_H
#define PROBE_FRAMES_H

#include "profile/python_layouts.h"

/* The product's python_layouts_find. */
bool python_layouts_find_true(const char *version, const void *runtime, python_layout *out);

#endif
