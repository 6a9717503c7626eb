#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "base/file_descriptor.hpp"
#include "delivery/delivery_counts.hpp"
#include "jsonl/json_record.hpp"
#include "record/sink.hpp"

namespace sockward {

struct FileLimits {
  std::uint64_t largest_bytes = std::uint64_t{64}
                                << 20;  ///< the file is put aside when it would grow beyond; 0: never
  unsigned kept = 5;                    ///< file.1 (the newest) to file.N
};

/// JSON lines in a file that rotates by itself: file -> file.1 -> … The disk being full costs lines, which
/// are counted; the next one is tried again. Used by one thread, but for reopen().
class JsonFileSink final : public Sink {
 public:
  /// Throws StartupError when the file cannot be opened. `counts` must outlive it.
  JsonFileSink(std::string path, FileLimits limits, Resource resource, CommandArgs arguments,
               DeliveryCounts& counts);

  bool write(const Record& record) override;
  std::uint64_t flush() override;
  /// The file was moved away (logrotate): the next line opens it anew. From any thread.
  void reopen() { reopen_ = true; }

 private:
  bool open();
  void rotate();

  const std::string path_;
  const FileLimits limits_;
  const Resource resource_;
  const CommandArgs arguments_;
  DeliveryCounts& counts_;
  FileDescriptor file_;
  std::uint64_t size_ = 0, lines_ = 0;
  std::string buffer_;
  std::atomic<bool> reopen_{false};
};

}  // namespace sockward
