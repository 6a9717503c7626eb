#pragma once
#include <memory>
#include <vector>

#include "diagnose/rule.hpp"

namespace sockward {

/// Asks every rule and keeps the surest answer. Used by one thread.
class Engine {
 public:
  /// `host` must outlive the engine. `history_entries`: how much of each kind is remembered.
  Engine(const HostView& host, NamespaceInode host_utsns, std::size_t history_entries = History::kEntries);
  ~Engine();

  /// Never without an answer: Cause::unknown says what was looked at. Remembers the event for later ones.
  Diagnosis diagnose(const Event& event);
  const History::Forgotten& forgotten() const { return history_.forgotten(); }

 private:
  const HostView& host_;
  const NamespaceInode host_utsns_;
  std::vector<std::unique_ptr<Rule>> rules_;
  History history_;
};

}  // namespace sockward
