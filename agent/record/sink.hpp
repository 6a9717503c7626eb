#pragma once
#include <cstdint>

#include "record/record.hpp"

namespace sockward {

/// Where records go. Called from one thread. A sink that cannot write returns false; the pipeline counts it.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool write(const Record& record) = 0;
  /// Everything written so far leaves the process. Returns how many records could not, of those that write()
  /// took since the last flush and that the sink does not count itself.
  virtual std::uint64_t flush() { return 0; }
};

}  // namespace sockward
