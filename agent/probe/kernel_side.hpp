#pragma once
#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "telemetry/kernel_counters.hpp"

namespace sockward {

struct DestroyLink {
  void operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

/// One attached program.
struct Attachment {
  std::string program;
  Link link;
};

struct LoadedProgram {
  std::string name;
  FileDescriptor fd;
};

/// Maps of the programs by their name; those of constants are not among them.
using Maps = std::map<std::string, FileDescriptor>;

/// The kernel side, loaded and attached, or adopted from a previous agent. Owns what it names.
struct KernelSide {
  Maps maps;
  std::vector<LoadedProgram> programs;
  std::vector<Attachment> attachments;
  std::vector<ProbeStatus> probes;
  std::vector<VerifierCost> verifier;  ///< with ProbeOptions::verifier_statistics
  bool casts = false;            ///< loaded in the form that casts (embedded_object.hpp); adopted: not known
  std::uint32_t generation = 1;  ///< its programs count where this one is active
  /// Where the active generation is in the map `active`; 0: it is in the counters of this side.
  std::uint32_t active_offset = 0;

  KernelSide() = default;
  KernelSide(KernelSide&&) = default;
  KernelSide& operator=(KernelSide&&) = default;
  /// Each tracepoint takes the kernel a grace period to detach: all of them at once take one.
  ~KernelSide();

  /// -1: there is none.
  int map(const std::string& name) const {
    const auto found = maps.find(name);
    return found == maps.end() ? -1 : found->second.get();
  }
};

}  // namespace sockward
