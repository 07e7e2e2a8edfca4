/* arrowpool::install() in a real libarrow: Arrow's own pools are served from that line on, in a program that
 * links libarrowpool. Compiled by cxx_pool.bats.
 *
 *   cxx_install alone|shim
 *
 * Ends the process at the first thing that is wrong, else says "ok". */
#include "arrow_pools.h"

#include <arrow/api.h>
#include <arrowpool/arrow.hpp>

#include <cstring>
#include <string>

namespace {

constexpr int64_t kMiB = 1 << 20;

/* What arrowpool serves of Arrow's pools (bytes), by its report. */
bool Reports(const std::string &text) {
  std::string report;
  arrowpool_report(
      ARROWPOOL_FORMAT_JSON,
      [](void *all, const char *piece, size_t size) {
        static_cast<std::string *>(all)->append(piece, size);
        return 0;
      },
      &report);
  return report.find(text) != std::string::npos;
}

void RefusesWhatCannotBe() {
  struct {
    std::vector<std::pair<std::string, std::string>> options;
    std::string says;
  } wrong[] = {{{{"limit", "much"}}, "limit: 'much': choose bytes"},
               {{{"live", "/tmp"}, {"poool", "system"}}, "poool: unknown option; choose pool, name, stats"},
               {{{"pool", ""}}, "pool: '': choose jemalloc or system"},
               {{{"stats", std::string("a\0b", 3)}}, "stats: a NUL"},
               {{{"hooks", "libc"}}, "hooks: only arrow_vtable"}};
  for (const auto &one : wrong) {
    arrow::Status status = arrowpool::install(one.options);
    CHECK(status.IsInvalid() && status.message().find(one.says) == 0);
    CHECK(arrowpool_get_presence() == ARROWPOOL_LINKED);
  }
}

void Alone() {
  arrow::MemoryPool *pool = arrow::default_memory_pool();
  uint8_t *before, *after, *later;
  CHECK(Allocate(pool, kMiB, 64, &before).ok());
  Fill(before, kMiB, 1);
  RefusesWhatCannotBe();
  arrow::Status status = arrowpool::install({{"limit", "64M"}, {"stats-idle", "1"}, {"log", "quiet"}});
  CHECK(status.ok() && arrowpool_get_presence() == ARROWPOOL_INSTALLED);
  CHECK(arrowpool::install().IsAlreadyExists());

  CHECK(Allocate(pool, 3 * kMiB, 64, &after).ok());
  int64_t size = 3 * kMiB, old_size = kMiB;
  Fill(after, size, 2);
  ResizeTo(pool, &size, 20 * kMiB, 64, &after, 2);
  ResizeTo(pool, &old_size, 2 * kMiB, 64, &before, 1);
  CHECK(pool->bytes_allocated() == 22 * kMiB);
  CHECK(Reports("\"backend\":\"jemalloc\",\"size_basis\":\"requested\",\"bytes_allocated\":20971520,"));
  CHECK(Reports("\"presence\":\"installed\""));

  uint8_t *refused = nullptr;
  status = Allocate(pool, 60 * kMiB, 64, &refused);
  CHECK(status.IsOutOfMemory() && !refused &&
        status.message().find("limit of 64.0 MiB") != std::string::npos);

  CHECK(arrowpool::uninstall().ok() && arrowpool_get_presence() == ARROWPOOL_LINKED);
  CHECK(Allocate(pool, 60 * kMiB, 64, &later).ok()); /* Arrow's again, which knows of no limit */
  ResizeTo(pool, &size, kMiB, 64, &after, 2);
  Free(pool, after, size, 64);
  Free(pool, before, old_size, 64);
  Free(pool, later, 60 * kMiB, 64);
  CHECK(pool->bytes_allocated() == 0);
  CHECK(arrowpool::install().ok());
}

void UnderTheShim() {
  CHECK(arrowpool_get_presence() == ARROWPOOL_PRELOADED);
  arrow::Status status = arrowpool::install({{"limit", "1M"}});
  CHECK(status.IsAlreadyExists() && status.message().find("preloaded") != std::string::npos);
  CHECK(arrowpool::uninstall().IsAlreadyExists());
  uint8_t *buffer;
  CHECK(Allocate(arrow::default_memory_pool(), 3 * kMiB, 64, &buffer).ok());
  Free(arrow::default_memory_pool(), buffer, 3 * kMiB, 64);
}

} // namespace

int main(int, char **arguments) {
  std::string(arguments[1]) == "alone" ? Alone() : UnderTheShim();
  std::puts("ok");
}
