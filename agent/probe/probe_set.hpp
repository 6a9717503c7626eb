#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "probe/plan.hpp"
#include "probe/probe_options.hpp"
#include "telemetry/bound_sockets.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// All programs and maps of the kernel side: loaded and attached by load(), detached by the destructor.
/// Its observers (KernelSource, UtsNames, BoundSockets) are thread-safe.
class ProbeSet final : public KernelSource, public UtsNames, public BoundSockets {
 public:
  /// What would be chosen, without loading anything. Throws StartupError (no privilege, no BTF).
  static std::vector<OperationPlan> preflight(const ProbeOptions& options);
  /// Throws StartupError: no privilege, no BTF, refused by the verifier, nothing could be attached.
  static std::unique_ptr<ProbeSet> load(const ProbeOptions& options);
  ~ProbeSet() override;

  int ring_fd() const;

  KernelSnapshot snapshot() const override;
  Result<std::vector<SourceCount>> failures_by_source() const override;
  std::vector<SourceCount> retired() const override;
  void retire(std::uint64_t container_key, bool remember) override;
  std::vector<ProgramStats> programs() const override;
  std::vector<ProbeStatus> probes() const override;
  std::vector<Coverage> coverage() const override;
  /// Empty without ProbeOptions::verifier_statistics.
  std::vector<VerifierCost> verifier_costs() const;
  Result<std::vector<UtsNamespace>> read() const override;
  std::optional<SocketOwner> binder(const BoundName& name) const override;
  Result<std::vector<OpenSocket>> walk() const override;

 private:
  struct State;
  explicit ProbeSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sockward
