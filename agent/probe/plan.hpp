#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace sockward {

enum class BackendChoice { automatic, fexit, tracepoint };

/// One program of the object file, told by its name `<operation>[_entry]_<backend>`.
struct ProgramName {
  std::string operation;  ///< "bind"
  std::string backend;    ///< fexit (also its fentry companion) | tracepoint | tp_btf | cgroup | iterator
};
ProgramName parse_program_name(std::string_view name);

/// What the loader found out about one program before the load.
struct ProgramAbility {
  std::string name;
  bool target_exists = false;  ///< the function, tracepoint or cgroup it attaches to is there
  std::string reason;          ///< why not
};

/// What is decided for one operation.
struct OperationPlan {
  std::string operation;
  std::string backend;                ///< "none": not observed
  std::vector<std::string> programs;  ///< to be loaded
  std::string reason;                 ///< for the reader of `sockward check`
  bool optional = false;  ///< it only has a fexit form and sharpens answers: nothing is missing without it
};

/// Chooses a backend for each operation: fexit where trampolines work and all its targets exist, else the
/// tracepoint, else none. Operations with another kind of program have no choice. Pure.
std::vector<OperationPlan> plan_probes(const std::vector<ProgramAbility>& programs, bool trampolines_work,
                                       const std::string& trampoline_reason, BackendChoice choice);

}  // namespace sockward
