/* What is known of a libarrow's thread pools (arrow/tasks.h), in a library of our own: FnOnce, Executor and
 * ThreadPool under the same names, with virtual functions in the same order. Built in variants, each with a
 * macro:
 *
 *   (none)              as libarrow 16 and newer have it
 *   FAKE_TASKS_OLD      as libarrow 10 has it: one virtual function less
 *   FAKE_TASKS_RENAMED  SpawnReal takes other hints
 *   FAKE_TASKS_TWICE    another virtual function has SpawnReal's address
 *   FAKE_TASKS_BASES    ThreadPool inherits from another class as well
 *   FAKE_TASKS_FOURTH   what FnOnce makes of a task has another virtual function
 *
 * Unlike the real one this ThreadPool survives exceptions that leave a task, and counts them. */
#ifndef FAKE_TASKS_H
#define FAKE_TASKS_H

#include "fake_arrow.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace arrow {

class FAKE_EXPORT StopToken {
public:
  StopToken() = default;
  explicit StopToken(std::shared_ptr<std::atomic<bool>> stopped) : stopped_(std::move(stopped)) {}
  bool stopped() const { return stopped_ && *stopped_; }

private:
  std::shared_ptr<std::atomic<bool>> stopped_;
};

namespace internal {

template <typename Signature> class FnOnce;

/* A function that is called once at most; it is gone afterwards, also if it threw. */
template <typename R, typename... A> class FAKE_EXPORT FnOnce<R(A...)> {
  struct FAKE_EXPORT Impl {
    virtual ~Impl() = default;
    virtual R invoke(A &&...arguments) = 0;
#ifdef FAKE_TASKS_FOURTH
    virtual int weight() { return 4; }
#endif
  };
  template <typename F> struct FnImpl : Impl {
    explicit FnImpl(F f) : function(std::move(f)) {}
    R invoke(A &&...arguments) override { return std::move(function)(std::forward<A>(arguments)...); }
    F function;
  };
  std::unique_ptr<Impl> impl_;

public:
  FnOnce() = default;
  template <typename F, typename = decltype(std::declval<F &&>()(std::declval<A>()...))>
  FnOnce(F f) : impl_(new FnImpl<F>(std::move(f))) {}
  explicit operator bool() const { return impl_ != nullptr; }
  R operator()(A... arguments) && {
    std::unique_ptr<Impl> once = std::move(impl_);
    return once->invoke(std::forward<A>(arguments)...);
  }
};

struct TaskHints {
  int32_t priority = 0;
  int64_t io_size = -1, cpu_cost = -1, external_id = -1;
};
#ifdef FAKE_TASKS_RENAMED
struct OtherHints : TaskHints {};
#else
using OtherHints = TaskHints;
#endif

class FAKE_EXPORT Executor {
public:
  using StopCallback = FnOnce<void(const Status &)>;
  class Resource;
  virtual ~Executor();
  template <typename F>
  Status Spawn(F f, OtherHints hints = {}, StopToken token = StopToken(), StopCallback callback = {}) {
    return SpawnReal(hints, FnOnce<void()>(std::move(f)), std::move(token), std::move(callback));
  }
  virtual int GetCapacity() = 0;
  virtual bool OwnsThisThread() { return false; }
#ifndef FAKE_TASKS_OLD
  virtual bool IsCurrentExecutor() { return OwnsThisThread(); }
#endif
  virtual void KeepAlive(std::shared_ptr<Resource>) {}

protected:
  virtual Status SpawnReal(OtherHints hints, FnOnce<void()> task, StopToken token,
                           StopCallback &&callback) = 0;
#ifdef FAKE_TASKS_TWICE
  virtual Status SpawnAgain(OtherHints hints, FnOnce<void()> task, StopToken token,
                            StopCallback &&callback) = 0;
#endif
};

struct FAKE_EXPORT Named {
  virtual ~Named();
  virtual const char *name() { return "named"; }
};

class FAKE_EXPORT ThreadPool : public Executor
#ifdef FAKE_TASKS_BASES
    ,
                               public Named
#endif
{
public:
  /* There is no other way to get one, so that compilers cannot know which functions an object has. */
  static std::shared_ptr<ThreadPool> Make(int threads);
  ~ThreadPool() override; /* as Shutdown(true) */
  int GetCapacity() override;
  bool OwnsThisThread() override;
  void KeepAlive(std::shared_ptr<Resource>) override;
  void SetCapacity(int threads);
  /* No task is accepted from then on. wait: those that are queued are run first; else they are dropped. */
  void Shutdown(bool wait);
  /* Waits until no task is queued or running. */
  void Settle();
  /* Gives the tasks that are queued to another pool. */
  void HandOver(ThreadPool &to);
  int exceptions() const;       /* that left a task */
  TaskHints last_hints() const; /* of the task given last */

protected:
  explicit ThreadPool(int threads);
  Status SpawnReal(OtherHints hints, FnOnce<void()> task, StopToken token, StopCallback &&callback) override;
#ifdef FAKE_TASKS_TWICE
#ifdef FAKE_TASKS_SOURCE /* an alias is the library's own matter */
  __attribute__((
      alias("_ZN5arrow8internal10ThreadPool9SpawnRealENS0_9TaskHintsENS0_6FnOnceIFvvEEENS_9StopTokenE"
            "ONS3_IFvRKNS_6StatusEEEE")))
#endif
  Status
  SpawnAgain(OtherHints hints, FnOnce<void()> task, StopToken token, StopCallback &&callback) override;
#endif

private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace internal
} // namespace arrow

/* For programs that load the library: has the function run as a task that the library gives, to its one pool,
 * and returns once it has. */
extern "C" FAKE_EXPORT void fake_tasks_run(void (*function)(void *), void *argument);
/* Where the table of ThreadPool is. */
extern "C" FAKE_EXPORT void *fake_tasks_table();

#endif
