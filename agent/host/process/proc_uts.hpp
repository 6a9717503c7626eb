#pragma once
#include <string>

#include "telemetry/uts_names.hpp"

namespace sockward {

/// UtsNames without BPF: enters each UTS namespace that a process lives in and asks for its names (setns(2),
/// CAP_SYS_ADMIN). Thread-safe.
class ProcUts final : public UtsNames {
 public:
  explicit ProcUts(std::string proc) : proc_(std::move(proc)) {}
  Result<std::vector<UtsNamespace>> read() const override;

 private:
  std::string proc_;
};

}  // namespace sockward
