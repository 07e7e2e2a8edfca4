/* Finds the libarrows that are loaded, and patches their pools: where nothing is preloaded, no call of the
 * program's leads to us. All of it takes the loader's lock. */
#ifndef ARROWPOOL_SHIM_INSTALL_FIND_ARROW_H
#define ARROWPOOL_SHIM_INSTALL_FIND_ARROW_H

/* Looks at the pools without changing any. Returns NULL if those of one libarrow can be patched, or there is
 * none; else a reason for the user. */
const char *find_arrow_judge(void);

/* Patches the pools of the libarrows that were loaded since the last time, or ever. It costs next to nothing
 * if there are no new libraries. */
void find_arrow_patch_new(void);

#endif
