/* Quiesces the private jemalloc around a fork, and the thread that gives its memory back. */
#include "memory/backend.h"

#include "base/locks.h"
#include "memory/decay.h"

/* These fork handlers are jemalloc's; its embedding library has to call them (subprojects/packagefiles). */
void arrowpool_je_private_je_jemalloc_prefork(void);
void arrowpool_je_private_je_jemalloc_postfork_parent(void);
void arrowpool_je_private_je_jemalloc_postfork_child(void);

void backend_jemalloc_prefork(void) {
  if (decay_pause()) /* what it would have returned later goes now: nobody might wake it again */
    backend_jemalloc.release_unused();
  locks_acquire(LOCK_START);
  if (backend_jemalloc_started())
    arrowpool_je_private_je_jemalloc_prefork();
}

void backend_jemalloc_postfork_parent(void) {
  if (backend_jemalloc_started())
    arrowpool_je_private_je_jemalloc_postfork_parent();
  locks_release(LOCK_START);
  decay_resume(false);
}

void backend_jemalloc_postfork_child(void) {
  if (backend_jemalloc_started())
    arrowpool_je_private_je_jemalloc_postfork_child();
  locks_release(LOCK_START);
  decay_resume(true);
}
