#include "probe/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace sockward {
namespace {

struct Candidate {
  std::vector<std::string> programs;
  std::string obstacle;  // empty: usable
};

using Candidates = std::map<Backend, Candidate>;

constexpr std::pair<std::string_view, Variant> kVariants[] = {
    {"_compat", Variant::compat}, {"_denied", Variant::denied}, {"_uring", Variant::uring}};

/// One program sees all that send, or one for each of them: together they are an operation.
constexpr std::string_view kSends = "send";

/// Is it the end of the name? Then it is removed.
bool cut_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

struct Operation {
  std::string name;
  Candidates candidates;
  Candidates older;  // each stands in for the one of the same backend
};

/// Where the programs of a backend cannot be attached and older ones can, takes those.
void take_older(Operation& operation) {
  for (auto& [backend, older] : operation.older) {
    Candidate& candidate = operation.candidates[backend];
    if (older.obstacle.empty() && (candidate.programs.empty() || !candidate.obstacle.empty()))
      candidate = std::move(older);
  }
}

std::vector<Operation> group(const std::vector<ProgramAbility>& programs) {
  std::vector<Operation> operations;
  for (const auto& program : programs) {
    const ProgramName name = parse_program_name(program.name);
    auto found = std::find_if(operations.begin(), operations.end(),
                              [&](const Operation& known) { return known.name == name.operation; });
    if (found == operations.end()) found = operations.insert(found, {name.operation, {}, {}});
    Candidate& candidate = (name.older ? found->older : found->candidates)[name.backend];
    candidate.programs.push_back(program.name);
    if (!program.target_exists) candidate.obstacle = program.reason;
  }
  for (Operation& operation : operations) take_older(operation);
  return operations;
}

void refuse(Candidates& candidates, Backend backend, const std::string& why) {
  const auto found = candidates.find(backend);
  if (found != candidates.end() && found->second.obstacle.empty()) found->second.obstacle = why;
}

OperationPlan choose(const Operation& operation) {
  OperationPlan plan{.operation = operation.name, .programs = {}, .reason = {}};
  std::string obstacles;
  for (const auto& [backend, candidate] : operation.candidates) {  // the best comes first, none last
    if (backend == Backend::none) break;
    if (candidate.obstacle.empty()) {
      plan.backend = backend;
      plan.programs = candidate.programs;
      plan.reason = obstacles;
      return plan;
    }
    obstacles +=
        fmt::format("{}{}: {}", obstacles.empty() ? "" : "; ", to_string(backend), candidate.obstacle);
  }
  plan.reason = obstacles;
  plan.optional = operation.candidates.size() == 1 && operation.candidates.contains(Backend::fexit);
  return plan;
}

}  // namespace

ProgramName parse_program_name(std::string_view name) {
  static constexpr std::pair<std::string_view, Backend> kBackends[] = {
      {"_fentry", Backend::fexit},  {"_fexit", Backend::fexit},   {"_tp", Backend::tracepoint},
      {"_cgroup", Backend::cgroup}, {"_iter", Backend::iterator}, {"_btf", Backend::tp_btf}};
  ProgramName parsed;
  for (const auto& [suffix, backend] : kBackends)
    if (parsed.backend == Backend::none && cut_suffix(name, suffix)) parsed.backend = backend;
  parsed.at_entry = cut_suffix(name, "_entry");
  parsed.older = cut_suffix(name, "_older");
  parsed.operation = name;
  parsed.follows_descendants = name == "fork" || name == "end" || name == "reap";
  parsed.keeps_messages = name.starts_with("message_");
  for (const auto& [suffix, variant] : kVariants)
    if (parsed.variant == Variant::plain && cut_suffix(name, suffix)) parsed.variant = variant;
  parsed.call = name == kSends ? Syscall::sendto : syscall_from(name);
  const bool sending = parsed.call && sends(*parsed.call);
  if (sending) parsed.operation = kSends;
  parsed.sees_sends = sending || name == "send_peer";
  return parsed;
}

std::string operation_name(Syscall call, Variant variant) {
  std::string name(sends(call) ? kSends : to_string(call));
  for (const auto& [suffix, its_variant] : kVariants)
    if (its_variant == variant) name += suffix;
  return name;
}

std::vector<OperationPlan> plan_probes(const std::vector<ProgramAbility>& programs, bool trampolines_work,
                                       const std::string& trampoline_reason, BackendChoice choice) {
  std::vector<OperationPlan> plans;
  for (Operation& operation : group(programs)) {
    if (choice == BackendChoice::tracepoint)
      refuse(operation.candidates, Backend::fexit, "--probe.backend=tracepoint");
    if (choice == BackendChoice::fexit)
      refuse(operation.candidates, Backend::tracepoint, "--probe.backend=fexit");
    if (!trampolines_work) refuse(operation.candidates, Backend::fexit, trampoline_reason);
    plans.push_back(choose(operation));
  }
  return plans;
}

}  // namespace sockward
