/* fork: registered before jemalloc is first called and for the whole life of the process. jemalloc is
 * quiesced first, then our locks are taken (gate.h); the child finds everything free, and counts anew. */
#include "backend.h"
#include "counters.h"
#include "gate.h"
#include "live.h"
#include "pool.h"
#include "snapshot.h"

#include <pthread.h>

static void prepare(void) {
  backend_jemalloc_prefork();
  gate_close();
  live_prefork();
  counters_prefork();
}

static void parent(void) {
  counters_postfork_parent();
  gate_open();
  backend_jemalloc_postfork_parent();
}

static void child(void) {
  snapshot_mark_start();
  live_postfork_child();
  gate_open();
  backend_jemalloc_postfork_child();
  counters_fork_child();
  pool_fork_child();
}

__attribute__((constructor(101))) static void register_handlers(void) {
  pthread_atfork(prepare, parent, child);
}
