#include "diagnose/engine.hpp"

#include <fmt/format.h>

#include <array>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"
#include "record/record.hpp"

namespace sockward {
namespace {

struct Rule {
  std::string_view name;
  std::optional<Finding> (*examine)(const Facts&);
};

#define SOCKWARD_RULE_ROW(name) Rule{#name, &rules::name},
constexpr std::array kRules = {SOCKWARD_RULES(SOCKWARD_RULE_ROW)};
#undef SOCKWARD_RULE_ROW

const char* looked_at(const Facts& facts) {
  if (facts.socket() != nullptr)
    return "the arguments, the socket, the caller's credentials and namespaces, and what the host says about "
           "the address now";
  if (facts.path_call() != nullptr)
    return "the arguments, the caller's credentials and namespaces, and what is at the path now";
  return "the arguments, the caller's credentials, and the names of the UTS namespace";
}

/// What a person looks at next.
std::string where_to_look(const Facts& facts) {
  if (facts.asked_now()) return "";
  const unsigned pid = facts.event.actor.tgid;
  if (facts.is_unix_path() || facts.path_call() != nullptr)
    return fmt::format(
        "look at the path as the program sees it (nsenter -t {} -m namei -l PATH), at ss -xap, and for "
        "refusals in the kernel's log (dmesg, ausearch -m avc)",
        pid);
  if (facts.is_inet())
    return fmt::format(
        "look at the program's network namespace (nsenter -t {} -n ss -tuanp, ip addr, ip route get), and at "
        "its seccomp filter and security module (/proc/{}/status, ausearch -m avc)",
        pid, pid);
  return fmt::format(
      "look at the program's seccomp filter and security module (/proc/{}/status, ausearch -m avc)", pid);
}

Finding unexplained(const Facts& facts) {
  Finding found{.cause = Cause::unknown, .evidence = {}, .alternative = {}, .advice = where_to_look(facts)};
  found.note(fmt::format("{} returned {}", to_string(facts.event.syscall), error_label(facts.event)));
  found.note(std::string("no rule of this version explains it; looked at: ") + looked_at(facts));
  if (!facts.is_unix_path() && facts.path_call() == nullptr) return found;
  const PathFacts& way = facts.way();
  if (!way.known())
    found.note("the path could not be looked up: " + way.obstacle);
  else if (!way.trace.callers_view)
    found.note(
        "the path was looked up through another root or mount namespace than the caller's, which may show "
        "other files");
  return found;
}

/// The surest finding; of several as sure the one whose rule stands first.
Finding best_finding(const Facts& facts) {
  // The kernel never got to see the call: nothing about its arguments or the host explains the answer.
  if (facts.event.seccomp_refused)
    if (auto refused = rules::observed_refusal(facts)) return std::move(*refused);
  std::optional<Finding> best;
  for (const Rule& rule : kRules) {
    auto found = rule.examine(facts);
    if (!found) continue;
    const Confidence confidence = confidence_of(*found);
    if (confidence == Confidence::certain) return std::move(*found);
    if (!best || confidence < confidence_of(*best)) best = std::move(found);
  }
  return best ? std::move(*best) : unexplained(facts);
}

}  // namespace

Engine::Engine(const HostView& host, NamespaceInode host_utsns, std::size_t history_entries)
    : host_(host), host_utsns_(host_utsns), history_(history_entries) {}

Diagnosis Engine::diagnose(const Event& event) {
  const Facts facts(event, host_, history_, host_utsns_);
  Diagnosis diagnosis = to_diagnosis(best_finding(facts));
  if (facts.skipped()) ++skipped_;
  if (const auto used = facts.used_denial()) history_.use(*used);
  history_.remember(event);
  return diagnosis;
}

Diagnosis Engine::diagnose_attempt(const Event& attempt) const {
  return to_diagnosis(best_finding(Facts(attempt, host_, history_, host_utsns_, true)));
}

std::vector<std::string_view> rule_names() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kRules));
  for (const Rule& rule : kRules) names.push_back(rule.name);
  return names;
}

}  // namespace sockward
