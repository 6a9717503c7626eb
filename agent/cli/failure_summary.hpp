#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "record/sink.hpp"
#include "terminal/terminal_text.hpp"

namespace sockward {

/// What came of a traced command, for its last lines: failures by cause, and within that by what they were
/// about. Used by one thread at a time. Bounded: what finds no place is counted as "others".
class FailureSummary {
 public:
  void add(const Record& record);
  std::uint64_t failures() const { return failures_; }

  /// Of each cause, most frequent first: how often, which call of what by which program, its holder, and what
  /// to do. Printable, without a final newline; empty: nothing was reported.
  std::string text(const TerminalStyle& style) const;

 private:
  struct Cause {
    std::uint64_t count = 0, others = 0;
    std::map<std::string, std::uint64_t> subjects;
    std::string advice;  // of the latest
  };
  void add_cause(std::string& text, const std::string& name, const Cause& cause,
                 const TerminalStyle& style) const;

  std::map<std::string, Cause> causes_;
  std::uint64_t failures_ = 0;
};

/// Writes nothing: adds each record to the summary, which must outlive it.
class SummarySink final : public Sink {
 public:
  explicit SummarySink(FailureSummary& summary) : summary_(summary) {}
  bool write(const Record& record) override {
    summary_.add(record);
    return true;
  }

 private:
  FailureSummary& summary_;
};

}  // namespace sockward
