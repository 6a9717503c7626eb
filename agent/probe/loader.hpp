#pragma once
#include <bpf/libbpf.h>

#include <memory>
#include <vector>

#include "probe/probe_options.hpp"
#include "probe/survey.hpp"
#include "telemetry/kernel_counters.hpp"

struct sockward_bpf;

namespace sockward {

struct DestroySkeleton {
  void operator()(sockward_bpf* skeleton) const noexcept;
};
struct DestroyLink {
  void operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
};
using Skeleton = std::unique_ptr<sockward_bpf, DestroySkeleton>;
using Link = std::unique_ptr<bpf_link, DestroyLink>;

/// One attached program.
struct Attachment {
  std::string program;
  Link link;
};

/// The kernel side, loaded and attached. Links and mapped memory go before the skeleton.
struct LoadedPrograms {
  Skeleton skeleton;
  std::vector<Attachment> attachments;
  std::vector<ProbeStatus> probes;
  std::vector<VerifierCost> verifier;  ///< with ProbeOptions::verifier_statistics

  LoadedPrograms() = default;
  LoadedPrograms(LoadedPrograms&&) = default;
  LoadedPrograms& operator=(LoadedPrograms&&) = default;
  /// Each tracepoint takes the kernel a grace period to detach: all of them at once take one.
  ~LoadedPrograms();
};

/// Opens the embedded object without loading it. Throws StartupError: a defect of the build.
Skeleton open_skeleton(const ProbeOptions& options);

/// Loads and attaches what the kernel takes. A program that the verifier or the attachment refuses sends its
/// operation to its fall-back: the object is opened and loaded anew, three times at most.
/// Throws StartupError: refused three times, or (with options.strict) a probe that is missing.
LoadedPrograms load_programs(const ProbeOptions& options, const Survey& survey);

}  // namespace sockward
