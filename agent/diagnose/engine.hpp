#pragma once
#include "diagnose/history.hpp"
#include "host/host_view.hpp"
#include "record/diagnosis.hpp"

namespace sockward {

/// Asks the rules about an event, and computes how sure the answer is from what it rests on. Used by one
/// thread.
class Engine {
 public:
  /// What `host` refers to must outlive the engine. `history_entries`: how much of each kind is remembered.
  Engine(const HostView& host, NamespaceInode host_utsns, std::size_t history_entries = History::kEntries);

  /// Never without an answer: Cause::unknown says what was looked at. Remembers the event for later ones.
  Diagnosis diagnose(const Event& event);
  /// The answer to a call that was not made, as of now (sockward explain). Remembers nothing.
  Diagnosis diagnose_attempt(const Event& attempt) const;
  const History::Forgotten& forgotten() const { return history_.forgotten(); }
  /// Events for which a look-up was left out because look-ups had cost enough.
  std::uint64_t events_with_skipped_lookups() const { return skipped_; }

 private:
  const HostView host_;
  const NamespaceInode host_utsns_;
  History history_;
  std::uint64_t skipped_ = 0;
};

/// The names of all rules in the order of precedence.
std::vector<std::string_view> rule_names();

}  // namespace sockward
