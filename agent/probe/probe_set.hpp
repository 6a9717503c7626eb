#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernel/bound_sockets.hpp"
#include "kernel/mount_events.hpp"
#include "probe/descendants.hpp"
#include "probe/plan.hpp"
#include "probe/probe_options.hpp"
#include "probe/record_ledger.hpp"
#include "probe/record_ring.hpp"
#include "telemetry/kernel_counters.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// All programs and maps of the kernel side: loaded and attached by load() or adopted from a previous agent;
/// detached by the destructor, unless ProbeOptions::keep_on_stop.
/// Its observers (KernelSource, UtsNames, BoundSockets, MountEvents) are thread-safe.
class ProbeSet final : public KernelSource, public UtsNames, public BoundSockets, public MountEvents {
 public:
  /// What would be chosen, without loading anything. Throws StartupError (no privilege, no BTF).
  static std::vector<OperationPlan> preflight(const ProbeOptions& options);
  /// Why what was planned could not live on when the agent dies; nullopt: nothing speaks against it.
  static std::optional<std::string> restart_obstacle(const std::vector<OperationPlan>& plan,
                                                     const std::string& pin_path);
  /// Throws StartupError: no privilege, no BTF, refused by the verifier, nothing could be attached.
  static std::unique_ptr<ProbeSet> load(const ProbeOptions& options);
  /// Removes what an agent has left in this folder. Returns how many programs were attached. Throws
  /// StartupError: one is running, or it is not ours.
  static std::size_t detach(const std::string& pin_path);
  ~ProbeSet() override;

  /// What to read records from; the first call gets the previous agent's ring.
  Rings take_rings();
  /// What is done with the records, across restarts.
  RecordLedger& ledger();
  /// A previous agent's programs were taken over as they were: nothing was missed.
  bool adopted() const;
  /// As ProbeOptions::keep_on_stop, decided now.
  void keep_on_stop();
  /// Why the kernel side ends with this process; empty: it lives on until the next start.
  const std::string& not_pinned() const;

  KernelSnapshot snapshot() const override;
  Result<std::vector<SourceCount>> failures_by_source() const override;
  std::vector<SourceCount> retired() const override;
  Fate retire(std::uint64_t container_key, Fate fate) override;
  std::vector<ProgramStats> programs() const override;
  std::vector<ProbeStatus> probes() const override;
  std::vector<Coverage> coverage() const override;
  /// Were the programs loaded in the form that casts (embedded_object.hpp)? false of adopted ones.
  bool casts() const;
  /// With ReportFilter::only_descendants.
  Result<Descendants> descendants() const;
  /// Empty without ProbeOptions::verifier_statistics.
  std::vector<VerifierCost> verifier_costs() const;
  Result<std::vector<UtsNamespace>> read() const override;
  std::optional<SocketOwner> binder(const BoundName& name) const override;
  Result<bool> note_released() const override;
  Result<bool> scan(SocketList& into) const override;
  Result<bool> scan_for(const SocketFilter& filter, SocketList& into) const override;
  /// Whether its owner has it open is not looked at.
  std::optional<OpenSocket> still_held(const OpenSocket& known) const override;
  Result<std::optional<std::uint64_t>> mount_event(NamespaceInode mntns) const override;

 private:
  struct State;
  explicit ProbeSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sockward
