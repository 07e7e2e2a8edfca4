/* Patches a fake libarrow's thread pools (fake_tasks.h) without a shim, and looks at what the tasks know.
 *
 *   probe_tasks CASE    a case of those below, by its name
 *   probe_tasks list    their names
 *
 * A thread's own number is what it gives tasks as; 0: its tasks are those of the task that it works on. */
#include "probe_tasks.h"
#include "fake_tasks.h"
#include "probe.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

using arrow::internal::FnOnce;
using arrow::internal::ThreadPool;

namespace {

thread_local uint32_t own, current;
std::atomic<int> given{0}, told{0};
std::atomic<bool> memory_is_short{false};

uint32_t origin_here() {
  errno = EDOM; /* giving a task keeps errno all the same */
  return own;
}
uint32_t *get_current() { return &current; }
void count(bool is_told) {
  given++;
  told += is_told;
}
const arrow_tasks_callbacks callbacks = {origin_here, get_current, count};

void *fake_library() {
  Dl_info info;
  return dladdr(reinterpret_cast<void *>(fake_tasks_run), &info)
             ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD)
             : nullptr;
}

void patch() {
  const char *reason = arrow_tasks_patch(fake_library(), &callbacks);
  CHECK(!reason, "%s", reason);
}

/* A function object that says where it was destroyed; it can only be moved. */
struct Witness {
  explicit Witness(std::atomic<uint32_t> *out) : destroyed_as(out) {}
  Witness(Witness &&other) noexcept : destroyed_as(other.destroyed_as) { other.destroyed_as = nullptr; }
  ~Witness() {
    if (destroyed_as)
      *destroyed_as = current;
  }
  std::atomic<uint32_t> *destroyed_as;
};
constexpr uint32_t NEVER = 4711;

void give(ThreadPool &pool, uint32_t as, std::atomic<uint32_t> *seen) {
  uint32_t before = own;
  own = as;
  CHECK(pool.Spawn([seen] { *seen = current; }).ok(), "closed");
  own = before;
}

/* ---- the cases ---- */

void runs_as_its_giver() {
  auto pool_owner = ThreadPool::Make(3);
  ThreadPool &pool = *pool_owner;
  std::vector<std::atomic<uint32_t>> seen(300);
  std::vector<std::thread> givers;
  for (unsigned g = 0; g < 3; g++)
    givers.emplace_back([&, g] {
      for (unsigned i = g; i < seen.size(); i += 3)
        give(pool, 10 + g, &seen[i]);
    });
  for (std::thread &giver : givers)
    giver.join();
  pool.Settle();
  for (unsigned i = 0; i < seen.size(); i++)
    CHECK(seen[i] == 10 + i % 3, "%u: %u", i, seen[i].load());
  CHECK(given == 300 && told == 300, "%d of %d", told.load(), given.load());
}

void outside_of_tasks_there_is_no_origin() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  std::atomic<uint32_t> first{NEVER}, second{NEVER};
  give(pool, 5, &first);
  give(pool, 0, &second); /* in the same thread, after the other one */
  pool.Settle();
  CHECK(first == 5 && second == 0, "%u, %u", first.load(), second.load());
  CHECK(given == 2 && told == 1, "%d of %d", told.load(), given.load());
}

void all_arguments_arrive() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  auto stopped = std::make_shared<std::atomic<bool>>(true);
  std::atomic<bool> ran{false};
  std::atomic<uint32_t> destroyed{NEVER};
  std::string message;
  arrow::internal::OtherHints hints;
  hints.priority = -3, hints.io_size = INT64_MIN, hints.cpu_cost = INT64_MAX, hints.external_id = 77;
  own = 5;
  errno = 0;
  arrow::Status status =
      pool.Spawn([&ran, w = Witness(&destroyed)] { ran = true; }, hints, arrow::StopToken(stopped),
                 [&](const arrow::Status &s) { message = s.message(); });
  CHECK(errno == 0, "%d", errno);
  CHECK(status.ok(), "%s", status.message());
  pool.Settle();
  arrow::internal::TaskHints seen = pool.last_hints();
  CHECK(seen.priority == -3 && seen.io_size == INT64_MIN && seen.cpu_cost == INT64_MAX &&
            seen.external_id == 77,
        "%d", seen.priority);
  CHECK(!ran && message == "stopped", "%s", message.c_str());
  CHECK(destroyed == 5, "%u", destroyed.load());
}

void a_task_passes_its_origin_on() {
  auto pool_owner = ThreadPool::Make(2);
  ThreadPool &pool = *pool_owner;
  auto other_owner = ThreadPool::Make(2);
  ThreadPool &other = *other_owner;
  std::atomic<uint32_t> inherited{NEVER}, second{NEVER}, overruled{NEVER}, after{NEVER};
  own = 5;
  (void)pool.Spawn([&] {
    (void)other.Spawn([&] {
      inherited = current;
      give(pool, 0, &second);
    });
    give(other, 6, &overruled); /* the thread has an origin of its own, such as a callback to Python */
    after = current;
  });
  own = 0;
  pool.Settle(), other.Settle(), pool.Settle(), other.Settle();
  CHECK(inherited == 5 && second == 5, "%u, %u", inherited.load(), second.load());
  CHECK(overruled == 6 && after == 5, "%u, %u", overruled.load(), after.load());
  CHECK(given == 4 && told == 4, "%d of %d", told.load(), given.load());
}

void what_a_closed_pool_refuses_is_destroyed_as_its_giver() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  std::atomic<uint32_t> destroyed{NEVER};
  pool.Shutdown(true);
  own = 5, current = 9;
  arrow::Status status = pool.Spawn([w = Witness(&destroyed)] {});
  CHECK(std::strcmp(status.message(), "the pool is closed") == 0, "%s", status.message());
  CHECK(destroyed == 5 && current == 9, "%u, %u", destroyed.load(), current);
}

/* Has the pool's only thread wait, so that tasks queue up, until it is destroyed. */
class Blocker {
public:
  explicit Blocker(ThreadPool &pool) {
    (void)pool.Spawn([this] {
      std::unique_lock<std::mutex> hold(mutex_);
      started_ = true;
      changed_.notify_all();
      changed_.wait(hold, [this] { return done_; });
      left_ = true;
      changed_.notify_all();
    });
    std::unique_lock<std::mutex> hold(mutex_);
    changed_.wait(hold, [this] { return started_; });
  }
  ~Blocker() {
    std::unique_lock<std::mutex> hold(mutex_);
    done_ = true;
    changed_.notify_all();
    changed_.wait(hold, [this] { return left_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false, done_ = false, left_ = false;
};

void what_never_runs_is_destroyed_as_its_giver() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  std::vector<std::atomic<uint32_t>> destroyed(20);
  std::thread closer;
  own = 3;
  {
    Blocker blocker(pool);
    for (unsigned i = 0; i < destroyed.size(); i++) {
      own = 100 + i;
      (void)pool.Spawn([w = Witness(&destroyed[i])] { std::abort(); });
    }
    current = 9;
    closer = std::thread([&] { pool.Shutdown(false); });
    while (!destroyed.back())
      std::this_thread::yield();
  }
  closer.join();
  for (unsigned i = 0; i < destroyed.size(); i++)
    CHECK(destroyed[i] == 100 + i, "%u: %u", i, destroyed[i].load());
}

void an_exception_passes_through() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  std::atomic<uint32_t> seen{NEVER}, destroyed{NEVER}, next{NEVER};
  own = 5;
  (void)pool.Spawn([&seen, w = Witness(&destroyed)] {
    seen = current;
    throw 1;
  });
  give(pool, 0, &next);
  pool.Settle();
  CHECK(pool.exceptions() == 1, "%d", pool.exceptions());
  CHECK(seen == 5 && destroyed == 5, "%u, %u", seen.load(), destroyed.load());
  CHECK(next == 0, "%u: the thread kept the origin of the task before", next.load());
}

void without_memory_the_task_stays_as_it_is() {
  auto pool_owner = ThreadPool::Make(1);
  ThreadPool &pool = *pool_owner;
  std::atomic<uint32_t> seen{NEVER}, next{NEVER};
  memory_is_short = true;
  errno = 0;
  give(pool, 5, &seen);
  CHECK(errno == 0, "%d", errno);
  memory_is_short = false;
  give(pool, 5, &next);
  pool.Settle();
  CHECK(seen == 0 && next == 5, "%u, %u", seen.load(), next.load());
  CHECK(given == 2 && told == 1, "%d of %d", told.load(), given.load());
}

void a_task_that_is_handed_over_stays_its_givers() {
  auto pool_owner = ThreadPool::Make(0);
  ThreadPool &pool = *pool_owner;
  auto other_owner = ThreadPool::Make(1);
  ThreadPool &other = *other_owner;
  std::atomic<uint32_t> seen{NEVER};
  give(pool, 5, &seen);
  own = 6;
  pool.HandOver(other);
  other.Settle();
  CHECK(seen == 5, "%u", seen.load());
  CHECK(given == 2 && told == 2, "%d of %d", told.load(), given.load());
}

void eight_threads_patch_once() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back([] {
      for (int k = 0; k < 50; k++)
        patch();
    });
  for (std::thread &thread : threads)
    thread.join();
  runs_as_its_giver(); /* each is counted once */
}

void a_child_can_patch() {
  arrow_tasks_prefork();
  pid_t child = fork();
  arrow_tasks_postfork();
  if (child == 0) {
    patch();
    runs_as_its_giver();
    std::_Exit(probe_failures != 0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0, "%d", status);
}

/* Tasks that give tasks, some of which throw, in a pool whose size changes. */
void give_some(ThreadPool &pool, std::atomic<int> &wrong, uint32_t expected, int depth) {
  (void)pool.Spawn([&pool, &wrong, expected, depth] {
    wrong += current != expected;
    for (int i = 0; depth && i < 3; i++)
      give_some(pool, wrong, expected, depth - 1);
    wrong += current != expected;
    if (depth == 1)
      throw 1;
  });
}

void under_stress_each_task_knows_its_giver() {
  auto pool_owner = ThreadPool::Make(4);
  ThreadPool &pool = *pool_owner;
  std::atomic<int> wrong{0};
  std::vector<std::thread> givers;
  for (uint32_t g = 1; g <= 8; g++)
    givers.emplace_back([&, g] {
      own = g;
      for (int i = 0; i < 60; i++) {
        give_some(pool, wrong, g, 3);
        if (i % 10 == 0)
          pool.SetCapacity(int(1 + (g + unsigned(i) / 10) % 6));
      }
    });
  for (std::thread &giver : givers)
    giver.join();
  pool.Settle();
  CHECK(wrong == 0, "%d", wrong.load());
  CHECK(pool.exceptions() == 8 * 60 * 9, "%d", pool.exceptions());
  CHECK(given == 8 * 60 * 40 && told == given, "%d of %d", told.load(), given.load());
}

void the_process_ends_while_tasks_are_queued() {
  static auto &pool = *new auto(ThreadPool::Make(2));
  own = 5;
  for (int i = 0; i < 1000; i++)
    (void)pool->Spawn([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
  std::exit(0);
}

const struct {
  const char *name;
  void (*run)();
} cases[] = {
#define CASE(name)                                                                                           \
  { #name, name }
    CASE(runs_as_its_giver),
    CASE(outside_of_tasks_there_is_no_origin),
    CASE(all_arguments_arrive),
    CASE(a_task_passes_its_origin_on),
    CASE(what_a_closed_pool_refuses_is_destroyed_as_its_giver),
    CASE(what_never_runs_is_destroyed_as_its_giver),
    CASE(an_exception_passes_through),
    CASE(without_memory_the_task_stays_as_it_is),
    CASE(a_task_that_is_handed_over_stays_its_givers),
    CASE(eight_threads_patch_once),
    CASE(a_child_can_patch),
    CASE(under_stress_each_task_knows_its_giver),
    CASE(the_process_ends_while_tasks_are_queued),
};

} // namespace

extern "C" void *probe_tasks_malloc(size_t size) {
  errno = memory_is_short ? ENOMEM : errno;
  return memory_is_short ? nullptr : std::malloc(size);
}

int main(int count_of_words, char **words) {
  const std::string what = count_of_words > 1 ? words[1] : "";
  bool known = what == "list";
  for (const auto &c : cases) {
    if (what == "list")
      std::puts(c.name);
    if (what != c.name)
      continue;
    known = true;
    if (what != "a_child_can_patch" && what != "eight_threads_patch_once")
      patch();
    c.run();
  }
  return probe_failures != 0 || !known;
}
