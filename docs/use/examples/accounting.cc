/* What each stage of a job costs: a pool for reading, one for computing, one for writing. */
#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrowpool/arrow.hpp>

#include <cstdio>

arrow::Status Run() {
  ARROW_ASSIGN_OR_RAISE(auto read, arrowpool::MemoryPool::Make("read"));
  ARROW_ASSIGN_OR_RAISE(auto compute, arrowpool::MemoryPool::Make("compute"));
  ARROW_ASSIGN_OR_RAISE(auto write, arrowpool::MemoryPool::Make("write"));

  std::string text = "id,name\n";
  for (int i = 0; i < 500000; i++)
    text += std::to_string(i) + ",name of " + std::to_string(i % 1000) + "\n";
  auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(text)));
  auto read_options = arrow::csv::ReadOptions::Defaults();
  read_options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(auto reader,
                        arrow::csv::TableReader::Make(arrow::io::IOContext(read.get()), input, read_options,
                                                      arrow::csv::ParseOptions::Defaults(),
                                                      arrow::csv::ConvertOptions::Defaults()));
  ARROW_ASSIGN_OR_RAISE(auto table, reader->Read());

  arrow::compute::ExecContext context(compute.get());
  context.set_use_threads(false);
  ARROW_ASSIGN_OR_RAISE(auto encoded, arrow::compute::DictionaryEncode(
                                          table->GetColumnByName("name"),
                                          arrow::compute::DictionaryEncodeOptions::Defaults(), &context));
  ARROW_ASSIGN_OR_RAISE(table,
                        table->SetColumn(1, arrow::field("name", encoded.type()), encoded.chunked_array()));

  auto write_options = arrow::ipc::IpcWriteOptions::Defaults();
  write_options.memory_pool = write.get();
  write_options.unify_dictionaries = true;
  ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::BufferOutputStream::Create(1 << 16, write.get()));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(sink, table->schema(), write_options));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(auto file, sink->Finish());

  const double mib = 1 << 20;
  std::printf("%-10s %10s %10s %12s %10s   (MiB)\n", "pool", "live", "peak", "not copied", "copied");
  for (const auto &pool : {read, compute, write}) {
    arrowpool_stats stats = pool->stats();
    double not_copied = double(stats.bytes_grown_in_place + stats.bytes_remapped);
    std::printf("%-10s %10.1f %10.1f %12.1f %10.1f\n", pool->name().c_str(),
                double(stats.bytes_allocated) / mib, double(stats.max_memory) / mib, not_copied / mib,
                double(stats.bytes_copied) / mib);
  }
  return arrow::Status::OK();
}

int main() {
  arrow::Status status = Run();
  if (!status.ok())
    std::puts(status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
