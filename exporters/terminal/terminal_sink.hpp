#pragma once
#include "file/output_file.hpp"
#include "record/sink.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward {

/// Shows each record to people. Does not own the file descriptor.
class TerminalSink final : public Sink {
 public:
  TerminalSink(int fd, TerminalStyle style) : output_(fd), style_(std::move(style)) {}

  bool write(const Record& record) override { return output_.add_line(to_terminal(record, style_)); }
  std::uint64_t flush() override {
    output_.flush();
    return output_.take_lost();
  }

 private:
  OutputFile output_;
  TerminalStyle style_;
};

}  // namespace sockward
