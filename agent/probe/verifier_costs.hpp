#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/kernel_counters.hpp"

struct bpf_object;

namespace sockward {

/// The verifier's own statistics (BPF_LOG_STATS), one log for each program that is to be loaded.
class VerifierLogs {
 public:
  /// To be called between open and load. The logs must outlive the load.
  void attach(bpf_object* object);
  /// What it said of each program.
  std::vector<VerifierCost> costs() const;

 private:
  std::map<std::string, std::unique_ptr<char[]>> logs_;  // by program
};

/// "stack depth 96+16" and "processed 1234 insns": what a verifier log says, and
/// "stack depth max 360" since 7.x. Pure.
VerifierCost parse_verifier_log(const std::string& program, std::string_view log);

}  // namespace sockward
