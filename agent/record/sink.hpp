#pragma once
#include "record/record.hpp"

namespace sockward {

/// Where records go. Called from one thread. A sink that cannot write returns false; the pipeline counts it.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool write(const Record& record) = 0;
  /// Everything written so far leaves the process.
  virtual void flush() {}
};

}  // namespace sockward
