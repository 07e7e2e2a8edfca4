/* Begins and ends what runs while the program does (life.h). Nothing is torn down at exit: destructors,
 * atexit handlers and threads that come after us go on allocating and freeing. */
#include "shim/install/life.h"

#include "fork.h"
#include "profile/profile.h"
#include "report/live.h"
#include "shim/arrow_patch.h"
#include "shim/dump/dump.h"
#include "shim/dump/schedule.h"
#include "shim/tasks.h"

#include <stdlib.h>

/* Notes an orderly end in the files that others read, and removes those that are not to be kept. */
static void finish_files(bool remove) {
  live_finish(remove);
  profile_finish(remove);
}

static void at_quick_exit_handler(void) {
  dump_at_exit(REPORT_SAFE);
  finish_files(true);
}

static void prepare_fork(void) {
  schedule_prefork();
  arrow_patch_prefork();
  arrow_tasks_prefork();
}

static void go_on_in_parent(void) {
  arrow_tasks_postfork();
  arrow_patch_postfork();
  schedule_postfork_parent();
}

static void go_on_in_child(bool alone) {
  if (!alone) {
    arrow_tasks_postfork();
    arrow_patch_postfork();
  }
  dump_fork_child();
  if (!alone)
    schedule_postfork_child();
}

static const fork_guest guest = {prepare_fork, go_on_in_parent, go_on_in_child};

void life_begin(void) {
  dump_prepare();
  fork_invite(&guest);
  schedule_start();
  (void)at_quick_exit(at_quick_exit_handler); /* without memory for it there is no dump on that way */
}

/* It comes after the program's atexit handlers. Where nothing began, there is nothing to write. */
__attribute__((destructor(101))) static void finish(void) {
  dump_at_exit(REPORT_ASK_JEMALLOC);
  finish_files(true);
}

void life_leave(void) {
  dump_at_exit(REPORT_SAFE);
  finish_files(false);
}
