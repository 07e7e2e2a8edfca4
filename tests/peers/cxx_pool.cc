/* arrowpool::MemoryPool in a real libarrow: builders, growth, IPC, compute, limits, errors, and what happens
 * to buffers that outlive their pool. Compiled by cxx_pool.bats for every wheel.
 *
 *   cxx_pool use|growth|limit|errors|lifetime|figures
 *
 * Ends the process at the first thing that is wrong, else says "ok". */
#include "arrow_pools.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>
#include <arrowpool/arrow.hpp>

#include <cstring>
#include <string>

namespace {

constexpr int64_t kMiB = 1 << 20;

using PoolPtr = std::shared_ptr<arrowpool::MemoryPool>;

PoolPtr MakePool(const std::string &name, int64_t limit_bytes = 0) {
  arrowpool::Options options;
  options.limit_bytes = limit_bytes;
  return arrowpool::MemoryPool::Make(name, options).ValueOrDie();
}

/* ---- use: everything that is allocated comes from the pool it was given ---- */

std::shared_ptr<arrow::RecordBatch> BuildBatch(arrow::MemoryPool *pool, int64_t rows) {
  arrow::Int64Builder numbers(pool);
  arrow::StringBuilder words(pool);
  for (int64_t i = 0; i < rows; i++) {
    CHECK((i % 7 ? numbers.Append(i) : numbers.AppendNull()).ok());
    CHECK(words.Append("word " + std::to_string(i)).ok());
  }
  auto schema = arrow::schema({arrow::field("number", arrow::int64()), arrow::field("word", arrow::utf8())});
  return arrow::RecordBatch::Make(schema, rows, {numbers.Finish().ValueOrDie(), words.Finish().ValueOrDie()});
}

std::shared_ptr<arrow::RecordBatch> ThroughIpc(const arrow::RecordBatch &batch, PoolPtr pool) {
  auto write_options = arrow::ipc::IpcWriteOptions::Defaults();
  write_options.memory_pool = pool.get();
  write_options.codec = arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME).ValueOrDie();
  auto sink = arrow::io::BufferOutputStream::Create(1024, pool.get()).ValueOrDie();
  auto writer = arrow::ipc::MakeStreamWriter(sink, batch.schema(), write_options).ValueOrDie();
  CHECK(writer->WriteRecordBatch(batch).ok() && writer->Close().ok());
  auto read_options = arrow::ipc::IpcReadOptions::Defaults();
  read_options.memory_pool = pool.get();
  auto source = std::make_shared<arrow::io::BufferReader>(sink->Finish().ValueOrDie());
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(source, read_options).ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> read;
  CHECK(reader->ReadNext(&read).ok() && read);
  return read;
}

void Use() {
  PoolPtr build = MakePool("build"), ipc = MakePool("ipc"), compute = MakePool("compute");
  int64_t others = arrow::default_memory_pool()->bytes_allocated();
  {
    auto batch = BuildBatch(build.get(), 200000);
    CHECK(build->bytes_allocated() > 200000 * 8);
    auto read = ThroughIpc(*batch, ipc);
    CHECK(read->Equals(*batch));
    CHECK(ipc->bytes_allocated() > 200000 * 8);
    arrow::compute::ExecContext context(compute.get());
    auto cast = arrow::compute::Cast(*batch->column(0), arrow::float64(), arrow::compute::CastOptions::Safe(),
                                     &context)
                    .ValueOrDie();
    auto &doubles = static_cast<const arrow::DoubleArray &>(*cast);
    for (int64_t i = 0; i < doubles.length(); i++)
      CHECK(i % 7 ? doubles.Value(i) == double(i) : doubles.IsNull(i));
    CHECK(compute->bytes_allocated() >= 200000 * 8);
    CHECK(arrow::default_memory_pool()->bytes_allocated() - others < 4096);
    for (const PoolPtr &pool : {build, ipc, compute}) {
      CHECK(pool->max_memory() >= pool->bytes_allocated());
      CHECK(pool->stats().total_bytes_allocated >= pool->max_memory());
      CHECK(pool->stats().num_allocations > 0);
    }
  }
  for (const PoolPtr &pool : {build, ipc, compute})
    CHECK(pool->bytes_allocated() == 0);
}

/* ---- growth: a large buffer is copied when it grows for the first time, and no more ---- */

void Growth() {
  arrowpool::Options options;
  options.backend = ARROWPOOL_BACKEND_JEMALLOC;
  PoolPtr pool = arrowpool::MemoryPool::Make("growth", options).ValueOrDie();
  arrow::BufferBuilder builder(pool.get());
  std::string chunk(size_t(kMiB), 0);
  for (int i = 0; i < 200; i++) {
    std::memset(&chunk[0], i, chunk.size());
    CHECK(builder.Append(chunk.data(), kMiB).ok());
  }
  auto buffer = builder.Finish().ValueOrDie();
  CHECK(buffer->size() == 200 * kMiB);
  for (int64_t i = 0; i < buffer->size(); i += 4093)
    CHECK(buffer->data()[i] == uint8_t(i / kMiB));
  arrowpool_stats stats = pool->stats();
  CHECK(stats.reallocs_in_place > 0 && stats.bytes_grown_in_place > 0);
  CHECK(stats.reallocs_copied == 1 && stats.bytes_copied <= 4 * kMiB);
  CHECK(stats.reallocs_in_place + stats.reallocs_remapped + 1 == stats.num_reallocations);
}

/* ---- limit: exact, an OutOfMemory that says so, and the buffer is as it was ---- */

void Limit() {
  PoolPtr pool = MakePool("capped", 64 * kMiB);
  auto buffer = arrow::AllocateResizableBuffer(40 * kMiB, pool.get()).ValueOrDie();
  Fill(buffer->mutable_data(), buffer->size(), 1);
  const uint8_t *before = buffer->data();
  arrow::Status grown = buffer->Resize(80 * kMiB);
  CHECK(grown.IsOutOfMemory());
  CHECK(grown.message() == "realloc of 41943040 to 83886080 failed: pool c:capped has 40.0 MiB of its limit "
                           "of 64.0 MiB");
  CHECK(buffer->size() == 40 * kMiB && buffer->data() == before && Holds(before, 40 * kMiB, 1));
  arrow::Status another = arrow::AllocateBuffer(24 * kMiB + 64, pool.get()).status();
  CHECK(another.IsOutOfMemory());
  CHECK(another.message() == "malloc of size 25165888 failed: pool c:capped has 40.0 MiB of its limit "
                             "of 64.0 MiB");
  CHECK(arrow::AllocateBuffer(24 * kMiB, pool.get()).ok()); /* to the byte */
  CHECK(buffer->Resize(64 * kMiB).ok() && Holds(buffer->data(), 40 * kMiB, 1));
  CHECK(pool->max_memory() == 64 * kMiB && pool->stats().num_failed == 2);
  buffer.reset();
  CHECK(pool->bytes_allocated() == 0 && arrow::AllocateBuffer(64 * kMiB, pool.get()).ok());

  CHECK(pool->SetLimit(kMiB).ok() && pool->stats().limit_bytes == kMiB);
  CHECK(arrow::AllocateBuffer(kMiB + 64, pool.get()).status().IsOutOfMemory());
  CHECK(pool->SetLimit(-1).IsInvalid() && arrow::AllocateBuffer(kMiB, pool.get()).ok());
  CHECK(pool->SetLimit(0).ok() && arrow::AllocateBuffer(80 * kMiB, pool.get()).ok());

  uint8_t *out = nullptr;
  arrow::Status huge = Allocate(MakePool("open").get(), int64_t(1) << 60, 64, &out);
  CHECK(huge.IsOutOfMemory() && out == nullptr);
  CHECK(huge.message() == "malloc of size 1152921504606846976 failed");
}

/* ---- errors, alignments, and buffers of no bytes ---- */

void Errors() {
  using arrowpool::MemoryPool;
  PoolPtr pool = MakePool("errors");
  CHECK(pool->name() == "c:errors" && pool->backend_name() == "arrowpool");
  arrow::Status same = MemoryPool::Make("errors").status();
  CHECK(same.IsAlreadyExists() && same.message() == "a living pool is named 'errors'");
  CHECK(MemoryPool::Make("").status().IsInvalid());
  CHECK(MemoryPool::Make("two\nlines").status().IsInvalid());
  CHECK(MemoryPool::Make(std::string("a\0b", 3)).status().IsInvalid());
  CHECK(MemoryPool::Make(std::string(ARROWPOOL_NAME_MAX + 1, 'x')).status().IsInvalid());
  arrowpool::Options options;
  options.limit_bytes = -1;
  arrow::Status negative = MemoryPool::Make("negative", options).status();
  CHECK(negative.IsInvalid() && negative.message().find("a limit of -1 bytes") != std::string::npos);
  options = {};
  options.backend = static_cast<arrowpool_backend>(9);
  CHECK(MemoryPool::Make("backend", options).status().IsInvalid());
  {
    std::vector<PoolPtr> pools;
    arrow::Result<PoolPtr> next = nullptr;
    while ((next = MemoryPool::Make("many " + std::to_string(pools.size()))).ok())
      pools.push_back(*next);
    CHECK(next.status().IsOutOfMemory() && pools.size() > 200);
  }
  CHECK(MemoryPool::Make("one more").ok());

  uint8_t *out = nullptr;
  CHECK(Allocate(pool.get(), -1, 64, &out).IsInvalid() && out == nullptr);
  CHECK(Allocate(pool.get(), 0, 64, &out).ok() && out && uintptr_t(out) % 64 == 0);
  CHECK(Reallocate(pool.get(), 0, 1000, 64, &out).ok());
  Fill(out, 1000, 3);
  CHECK(Reallocate(pool.get(), 1000, -5, 64, &out).IsInvalid() && Holds(out, 1000, 3));
  CHECK(pool->bytes_allocated() == 1000);
  CHECK(Reallocate(pool.get(), 1000, 0, 64, &out).ok() && out);
  Free(pool.get(), out, 0, 64);
  CHECK(pool->bytes_allocated() == 0);
#if ARROW_VERSION_MAJOR > 10
  CHECK(pool->Allocate(10, 63, &out).IsInvalid());
  for (int64_t alignment = 1; alignment <= 4 * kMiB; alignment *= 2) {
    CHECK(pool->Allocate(100, alignment, &out).ok() && uintptr_t(out) % uintptr_t(alignment) == 0);
    int64_t size = 100;
    Fill(out, size, 5);
    ResizeTo(pool.get(), &size, 200000, alignment, &out, 5);
    pool->Free(out, size, alignment);
  }
#endif
  options = {};
  options.backend = ARROWPOOL_BACKEND_SYSTEM;
  PoolPtr system = MemoryPool::Make("system backed", options).ValueOrDie();
  auto buffer = arrow::AllocateResizableBuffer(kMiB, system.get()).ValueOrDie();
  Fill(buffer->mutable_data(), kMiB, 6);
  CHECK(buffer->Resize(9 * kMiB).ok() && Holds(buffer->data(), kMiB, 6));
  system->ReleaseUnused();

  /* A pool of C, seen by Arrow. */
  arrowpool_pool *c_pool;
  CHECK(arrowpool_create("of C", nullptr, &c_pool) == ARROWPOOL_OK);
  {
    MemoryPool view(c_pool);
    auto held = arrow::AllocateBuffer(12345, &view).ValueOrDie();
    CHECK(view.handle() == c_pool && view.bytes_allocated() >= 12345);
  }
  arrowpool_destroy(c_pool);
}

/* ---- lifetime: buffers that outlive their pool ---- */

void Lifetime() {
  uint8_t *large, *empty;
  arrow::MemoryPool *gone;
  {
    PoolPtr pool = MakePool("short");
    gone = pool.get();
    CHECK(Allocate(gone, 5 * kMiB, 64, &large).ok() && Allocate(gone, 0, 64, &empty).ok());
    Fill(large, 5 * kMiB, 1);
  }
  CHECK(arrowpool::MemoryPool::Make("short").status().IsAlreadyExists()); /* it lives by its buffer */
  int64_t size = 5 * kMiB;
  ResizeTo(gone, &size, 6 * kMiB, 64, &large, 1);
  uint8_t *refused = nullptr;
  CHECK(Allocate(gone, 10, 64, &refused).IsInvalid());
  Free(gone, large, size, 64);
  Free(gone, empty, 0, 64);
  PoolPtr again = MakePool("short");
  CHECK(again->bytes_allocated() == 0 && again->stats().total_bytes_allocated == 6 * kMiB);
  again.reset();
  uint8_t *shrunk;
  { /* only buffers of no bytes are left */
    PoolPtr pool = MakePool("empty");
    gone = pool.get();
    CHECK(Allocate(gone, 0, 64, &empty).ok() && Allocate(gone, 1000, 64, &shrunk).ok());
    CHECK(Reallocate(gone, 1000, 0, 64, &shrunk).ok());
  }
  Free(gone, empty, 0, 64);
  Free(gone, shrunk, 0, 64);
}

/* ---- figures: what the shim's dump is compared with; the buffer stays live ---- */

void Figures() {
  PoolPtr *pool = new PoolPtr(MakePool("figures"));
  uint8_t *buffer;
  CHECK(Allocate(pool->get(), 100000, 64, &buffer).ok());
  CHECK(Reallocate(pool->get(), 100000, 500000, 64, &buffer).ok());
#if ARROW_VERSION_MAJOR >= 20
  (*pool)->PrintStats();
#endif
}

} // namespace

int main(int, char **arguments) {
  std::string what = arguments[1];
  what == "use"        ? Use()
  : what == "growth"   ? Growth()
  : what == "limit"    ? Limit()
  : what == "errors"   ? Errors()
  : what == "lifetime" ? Lifetime()
  : what == "figures"  ? Figures()
                       : fail(__FILE__, __LINE__, "a name of a test");
  std::puts("ok");
}
