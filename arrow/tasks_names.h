/* What libarrow has to export so that its tasks can be told by their givers (tasks.h): names of classes as
 * their type_info has them, and of symbols. */
#ifndef ARROWPOOL_ARROW_TASKS_NAMES_H
#define ARROWPOOL_ARROW_TASKS_NAMES_H

#define TASKS_THREAD_POOL "N5arrow8internal10ThreadPoolE"
#define TASKS_EXECUTOR    "N5arrow8internal8ExecutorE"
#define TASKS_TASK        "N5arrow8internal6FnOnceIFvvEE4ImplE"

#define TASKS_TABLE_SYMBOL       "_ZTV" TASKS_THREAD_POOL
#define TASKS_THREAD_POOL_SYMBOL "_ZTI" TASKS_THREAD_POOL
#define TASKS_TASK_SYMBOL        "_ZTI" TASKS_TASK
#define TASKS_SPAWN_SYMBOL                                                                                   \
  "_ZN5arrow8internal10ThreadPool9SpawnRealENS0_9TaskHintsENS0_6FnOnceIFvvEEENS_9StopTokenEONS3_IFvRKNS_"    \
  "6StatusEEEE"

#endif
