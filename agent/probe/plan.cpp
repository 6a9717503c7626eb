#include "probe/plan.hpp"

#include <algorithm>
#include <map>

namespace sockward {
namespace {

struct Candidate {
  std::vector<std::string> programs;
  std::string obstacle;  // empty: usable
};

using Candidates = std::map<std::string, Candidate>;  // by backend

struct Operation {
  std::string name;
  Candidates candidates;
};

std::vector<Operation> group(const std::vector<ProgramAbility>& programs) {
  std::vector<Operation> operations;
  for (const auto& program : programs) {
    const ProgramName name = parse_program_name(program.name);
    auto found = std::find_if(operations.begin(), operations.end(),
                              [&](const Operation& known) { return known.name == name.operation; });
    if (found == operations.end()) found = operations.insert(found, {name.operation, {}});
    Candidate& candidate = found->candidates[name.backend];
    candidate.programs.push_back(program.name);
    if (!program.target_exists) candidate.obstacle = program.reason;
  }
  return operations;
}

void refuse(Candidates& candidates, const std::string& backend, const std::string& why) {
  const auto found = candidates.find(backend);
  if (found != candidates.end() && found->second.obstacle.empty()) found->second.obstacle = why;
}

OperationPlan choose(const Operation& operation) {
  OperationPlan plan{.operation = operation.name, .backend = "none", .programs = {}, .reason = {}};
  std::string obstacles;
  for (const char* backend : {"fexit", "cgroup", "iterator", "tp_btf", "tracepoint"}) {
    const auto found = operation.candidates.find(backend);
    if (found == operation.candidates.end()) continue;
    if (found->second.obstacle.empty()) {
      plan.backend = backend;
      plan.programs = found->second.programs;
      plan.reason = obstacles;
      return plan;
    }
    obstacles += (obstacles.empty() ? "" : "; ") + std::string(backend) + ": " + found->second.obstacle;
  }
  plan.reason = obstacles;
  plan.optional = operation.candidates.size() == 1 && operation.candidates.contains("fexit");
  return plan;
}

}  // namespace

ProgramName parse_program_name(std::string_view name) {
  static constexpr struct {
    std::string_view suffix, backend;
  } kSuffixes[] = {{"_entry_fentry", "fexit"}, {"_entry_tp", "tracepoint"}, {"_fexit", "fexit"},
                   {"_tp", "tracepoint"},      {"_cgroup", "cgroup"},       {"_iter", "iterator"},
                   {"_btf", "tp_btf"}};
  for (const auto& [suffix, backend] : kSuffixes)
    if (name.ends_with(suffix))
      return {std::string(name.substr(0, name.size() - suffix.size())), std::string(backend)};
  return {std::string(name), "none"};
}

std::vector<OperationPlan> plan_probes(const std::vector<ProgramAbility>& programs, bool trampolines_work,
                                       const std::string& trampoline_reason, BackendChoice choice) {
  std::vector<OperationPlan> plans;
  for (Operation& operation : group(programs)) {
    if (choice == BackendChoice::tracepoint)
      refuse(operation.candidates, "fexit", "--probe.backend=tracepoint");
    if (choice == BackendChoice::fexit) refuse(operation.candidates, "tracepoint", "--probe.backend=fexit");
    if (!trampolines_work) refuse(operation.candidates, "fexit", trampoline_reason);
    plans.push_back(choose(operation));
  }
  return plans;
}

}  // namespace sockward
