/* The virtual functions of Arrow's pools, as they are where we serve. */
#ifndef ARROWPOOL_SHIM_ARROW_VTABLE_H
#define ARROWPOOL_SHIM_ARROW_VTABLE_H

/* Patches a pool with them (arrow_patch.h). Returns the object. It is for processors that abi.h knows. */
void *arrow_vtable_patch(void *object);

#endif
