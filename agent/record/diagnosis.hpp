#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/cause.hpp"

namespace sockward {

/// Who has the address now. `gone`: it was held, and the holder has left.
struct Holder {
  enum class Kind { process, kernel, gone };
  Kind kind = Kind::process;
  std::uint32_t pid = 0, uid = 0, pidns = 0;
  std::string comm, container;      ///< raw bytes
  std::string unit = {};            ///< of systemd; raw bytes; empty: none, or not known
  std::uint64_t container_key = 0;  ///< the pipeline turns it into `container`
};

/// Why a call failed, in words an operator can act on. Texts are printable.
struct Diagnosis {
  Cause cause = Cause::unknown;
  Confidence confidence = Confidence::unknown;
  std::vector<std::string> evidence;  ///< one observation each, with where it was seen
  std::vector<std::string> unproven;  ///< why it is not certain: what was looked up after the call, and so on
  std::string advice;                 ///< what to do; empty when there is nothing to say
  std::optional<Holder> holder;
  std::string name;    ///< the socket path it is about, where no call had it; raw bytes
  bool flap = false;   ///< a host name that was restored at once
  std::string policy;  ///< policy_denied: lsm | seccomp | cgroup_bpf | route | netfilter | unknown
  /// Of lsm: the AppArmor profile or the SELinux source context that was refused; printable. Empty: not
  /// known.
  std::string policy_profile = {};
};

}  // namespace sockward
