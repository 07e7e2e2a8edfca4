/* A service whose requests may take 32 MiB each: one that wants more fails, and the next one is served. */
#include <arrow/api.h>
#include <arrowpool/arrow.hpp>

#include <cstdio>

/* Builds a column in the memory of one request. */
arrow::Status Serve(int64_t rows) {
  arrowpool::Options options;
  options.limit_bytes = 32 << 20;
  ARROW_ASSIGN_OR_RAISE(auto pool, arrowpool::MemoryPool::Make("request", options));
  arrow::Int64Builder builder(pool.get());
  for (int64_t i = 0; i < rows; i++)
    ARROW_RETURN_NOT_OK(builder.Append(i));
  std::shared_ptr<arrow::Array> column;
  ARROW_RETURN_NOT_OK(builder.Finish(&column));
  std::printf("%lld rows: %.1f MiB\n", (long long)column->length(),
              double(pool->bytes_allocated()) / (1 << 20));
  return arrow::Status::OK();
}

int main() {
  for (int64_t rows : {1000000, 10000000, 2000000}) {
    arrow::Status status = Serve(rows);
    if (!status.ok())
      std::printf("%lld rows: %s\n", (long long)rows, status.ToString().c_str());
  }
}
