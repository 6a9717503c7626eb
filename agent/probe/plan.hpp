#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/syscall.hpp"
#include "telemetry/kernel_counters.hpp"

namespace sockward {

enum class BackendChoice { automatic, fexit, tracepoint };

/// What the name of a program of the object file says: `<call>[_<variant>][_older][_entry]_<backend>`, or any
/// other word in the place of the call.
struct ProgramName {
  std::string operation;             ///< "bind", "bind_compat", "sysctl": attached as a whole, or not
  std::optional<Syscall> call;       ///< the watched call that it is about; nullopt: something else
  Variant variant = Variant::plain;  ///< of the call
  bool at_entry = false;             ///< it runs when the call begins, for another one at its end
  Backend backend = Backend::none;   ///< fexit: also fentry, at entry
  bool older = false;  ///< for kernels where the one of the same name without this cannot be attached
  bool keeps_messages = false;       ///< of bpf/probes/message.bpf.c: only for those who ask for it
  bool sees_sends = false;           ///< so is that of bpf/probes/send.bpf.c
  bool follows_descendants = false;  ///< and of bpf/probes/descendants.bpf.c

  /// It counts each run as one watched call.
  bool counts_calls() const { return call.has_value() && !at_entry; }
};
ProgramName parse_program_name(std::string_view name);
/// The operation that sees the call come by this way: "bind", "bind_compat"; "send" for all that send.
std::string operation_name(Syscall call, Variant variant);

/// What the loader found out about one program before the load.
struct ProgramAbility {
  std::string name;
  bool target_exists = false;  ///< the function, tracepoint or cgroup it attaches to is there
  std::string reason;          ///< why not
};

/// What is decided for one operation.
struct OperationPlan {
  std::string operation;
  Backend backend = Backend::none;
  std::vector<std::string> programs;  ///< to be loaded
  std::string reason;                 ///< for the reader of `sockward check`
  bool optional = false;  ///< it only has a fexit form and sharpens answers: nothing is missing without it
};

/// Chooses a backend for each operation: fexit where trampolines work and all its targets exist, else the
/// tracepoint, else none. Operations with another kind of program have no choice. Pure.
std::vector<OperationPlan> plan_probes(const std::vector<ProgramAbility>& programs, bool trampolines_work,
                                       const std::string& trampoline_reason, BackendChoice choice);

}  // namespace sockward
