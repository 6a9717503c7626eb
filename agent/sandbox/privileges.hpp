#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sockward {

/// One capability that the agent keeps once its probes are attached, and what it is for.
struct KeptCapability {
  const char* name;   ///< "CAP_BPF"
  const char* needs;  ///< what does not work without it
  bool required;      ///< cannot be given up by a setting
  bool for_http;      ///< the HTTP threads need it too
};
/// All of them (docs/security.md lists the same).
const std::vector<KeptCapability>& kept_capabilities();

/// Takes from the calling thread, and from those it will start, every capability but those above, without the
/// ones in `drop`; and for good: from the bounding set too, with no_new_privs. A capability that the process
/// does not have is not an error. `http`: only those that HTTP threads need.
Result<bool> limit_capabilities(const std::vector<std::string>& drop, bool http);

/// From now on no thread of the process can start a program, load or attach BPF, mount, change users, trace
/// or load modules: such calls fail with EPERM (seccomp). Call it when everything is attached.
Result<bool> forbid_dangerous_calls();

}  // namespace sockward
