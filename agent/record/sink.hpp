#pragma once
#include <cstdint>

#include "record/record.hpp"

namespace sockward {

/// Where records go. Called from one thread, but for reopen(). A sink that cannot write returns false; the
/// pipeline counts it.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool write(const Record& record) = 0;
  /// Everything written so far leaves the process. Returns how many records could not, of those that write()
  /// took since the last flush and that the sink does not count itself.
  virtual std::uint64_t flush() { return 0; }
  /// The file it writes, if it does, was moved away (logrotate): the next record opens it again. From any
  /// thread.
  virtual void reopen() {}
};

}  // namespace sockward
