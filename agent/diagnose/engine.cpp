#include "diagnose/engine.hpp"

#include <fmt/format.h>

#include "diagnose/refusal.hpp"
#include "record/record.hpp"

namespace sockward {
namespace {

Diagnosis unexplained(const Event& event) {
  return {
      .cause = Cause::unknown,
      .confidence = Confidence::unknown,
      .evidence = {fmt::format("{} returned {}", to_string(event.syscall), error_label(event)),
                   "looked at: the arguments, the socket, the caller's capabilities and namespaces; no rule "
                   "of this version explains it"},
      .advice = "",
      .holder = {}};
}

}  // namespace

Engine::Engine(const HostView& host, NamespaceInode host_utsns, std::size_t history_entries)
    : host_(host), host_utsns_(host_utsns), rules_(make_rules()), history_(history_entries) {}

Engine::~Engine() = default;

Diagnosis Engine::diagnose(const Event& event) {
  std::optional<Diagnosis> best = observed_refusal(event);
  for (const auto& rule : rules_) {
    auto found = rule->examine({event, host_, history_, host_utsns_});
    // A filter may have made the error up: then nothing about it is proof.
    if (found && event.seccomp_refused && found->confidence == Confidence::certain)
      found->confidence = Confidence::likely;
    if (found && (!best || found->confidence < best->confidence)) best = std::move(found);
  }
  history_.remember(event);
  return best ? std::move(*best) : unexplained(event);
}

}  // namespace sockward
