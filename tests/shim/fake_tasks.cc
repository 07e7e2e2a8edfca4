/* See fake_tasks.h. */
#define FAKE_TASKS_SOURCE
#include "fake_tasks.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <pthread.h>
#include <thread>

#ifdef FAKE_TASKS_ONLY /* there is no fake_arrow.cc: this makes it a libarrow */
arrow::MemoryPool *arrow::default_memory_pool() { return nullptr; }
#endif

namespace arrow {
namespace internal {

namespace {
struct Task {
  FnOnce<void()> function;
  StopToken token;
  Executor::StopCallback callback;
};
} // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> queue;
  std::list<std::thread> workers;
  int capacity = 0, workers_alive = 0, running = 0, exceptions = 0;
  bool closed = false;
  TaskHints last_hints;

  /* Runs one task, without the lock; returns whether an exception left it. */
  static bool run(Task task) {
    try {
      if (!task.token.stopped())
        std::move(task.function)();
      else if (task.callback)
        std::move(task.callback)(Status("stopped"));
    } catch (int) {
      return true;
    }
    return false;
  }

  void work() {
    std::unique_lock<std::mutex> hold(mutex);
    for (;;) {
      changed.wait(hold, [&] { return closed || !queue.empty() || workers_alive > capacity; });
      if (workers_alive > capacity || queue.empty())
        break;
      Task task = std::move(queue.front());
      queue.pop_front();
      running++;
      hold.unlock();
      bool threw = run(std::move(task));
      hold.lock();
      exceptions += threw;
      running--;
      changed.notify_all();
    }
    workers_alive--;
    changed.notify_all();
  }

  void launch() { /* the lock is held */
    for (; workers_alive < capacity; workers_alive++)
      workers.emplace_back([this] { work(); });
  }
};

Executor::~Executor() = default;
Named::~Named() = default;

ThreadPool::ThreadPool(int threads) : state_(std::make_shared<State>()) {
  static const int registered = pthread_atfork(nullptr, nullptr, nullptr); /* as libarrow does */
  (void)registered;
  SetCapacity(threads);
}

__attribute__((noipa)) std::shared_ptr<ThreadPool> ThreadPool::Make(int threads) {
  return std::shared_ptr<ThreadPool>(new ThreadPool(threads));
}

ThreadPool::~ThreadPool() { Shutdown(true); }
int ThreadPool::GetCapacity() { return state_->capacity; }
bool ThreadPool::OwnsThisThread() { return false; }
void ThreadPool::KeepAlive(std::shared_ptr<Resource>) {}

void ThreadPool::SetCapacity(int threads) {
  std::lock_guard<std::mutex> hold(state_->mutex);
  state_->capacity = threads;
  state_->launch();
  state_->changed.notify_all();
}

void ThreadPool::Shutdown(bool wait) {
  std::deque<Task> dropped;
  std::list<std::thread> workers;
  {
    std::lock_guard<std::mutex> hold(state_->mutex);
    state_->closed = true;
    if (!wait)
      dropped.swap(state_->queue);
    workers.swap(state_->workers);
    state_->changed.notify_all();
  }
  dropped.clear();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::Settle() {
  std::unique_lock<std::mutex> hold(state_->mutex);
  state_->changed.wait(hold, [&] { return state_->queue.empty() && !state_->running; });
}

int ThreadPool::exceptions() const {
  std::lock_guard<std::mutex> hold(state_->mutex);
  return state_->exceptions;
}

TaskHints ThreadPool::last_hints() const {
  std::lock_guard<std::mutex> hold(state_->mutex);
  return state_->last_hints;
}

Status ThreadPool::SpawnReal(OtherHints hints, FnOnce<void()> task, StopToken token,
                             StopCallback &&callback) {
  std::lock_guard<std::mutex> hold(state_->mutex);
  state_->last_hints = hints;
  if (state_->closed)
    return Status("the pool is closed");
  state_->queue.push_back({std::move(task), std::move(token), std::move(callback)});
  state_->changed.notify_all();
  return Status();
}

void ThreadPool::HandOver(ThreadPool &to) {
  std::deque<Task> tasks;
  {
    std::lock_guard<std::mutex> hold(state_->mutex);
    tasks.swap(state_->queue);
  }
  for (Task &task : tasks) /* by the table, as everybody does */
    (void)to.SpawnReal({}, std::move(task.function), std::move(task.token), std::move(task.callback));
}

} // namespace internal
} // namespace arrow

extern "C" void fake_tasks_run(void (*function)(void *), void *argument) {
  /* It lives as long as the process, as libarrow's do. */
  static auto &pool = *new auto(arrow::internal::ThreadPool::Make(1));
  std::promise<void> done;
  auto future = done.get_future();
  arrow::Status status = pool->Spawn([&done, function, argument] {
    function(argument);
    done.set_value();
  });
  future.wait();
  pool->Settle();
}

extern "C" void *fake_tasks_table() {
  static auto &pool = *new auto(arrow::internal::ThreadPool::Make(0));
  return *reinterpret_cast<void **>(pool.get());
}
