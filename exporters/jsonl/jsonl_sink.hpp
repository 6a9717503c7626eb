#pragma once
#include <string>

#include "file/output_file.hpp"
#include "file/rotating_file.hpp"
#include "jsonl/json_record.hpp"
#include "record/sink.hpp"

namespace sockward {

/// Writes each record as one line of JSON to a file descriptor that it does not own.
class JsonLinesSink final : public Sink {
 public:
  JsonLinesSink(int fd, CommandArgs arguments) : output_(fd), arguments_(arguments) {}

  bool write(const Record& record) override { return output_.add_line(to_json(record, arguments_)); }
  std::uint64_t flush() override {
    output_.flush();
    return output_.take_lost();
  }

 private:
  OutputFile output_;
  CommandArgs arguments_;
};

/// Writes each record as one line of JSON to a file that rotates. Used by one thread, but for reopen().
class JsonFileSink final : public Sink {
 public:
  /// Throws StartupError when the file cannot be opened. `counts` must outlive it.
  JsonFileSink(std::string path, FileLimits limits, CommandArgs arguments, DeliveryCounts& counts)
      : file_(std::move(path), limits, counts), arguments_(arguments) {}

  bool write(const Record& record) override {
    file_.add_line(to_json(record, arguments_));
    return true;
  }
  std::uint64_t flush() override {
    file_.flush();
    return 0;  // what was lost is in the counts
  }
  void reopen() override { file_.reopen(); }

 private:
  RotatingFile file_;
  CommandArgs arguments_;
};

}  // namespace sockward
