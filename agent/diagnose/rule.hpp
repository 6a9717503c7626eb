#pragma once
#include <memory>
#include <optional>

#include "diagnose/history.hpp"
#include "enrich/host_view.hpp"
#include "event/event.hpp"
#include "record/diagnosis.hpp"

namespace sockward {

/// All a rule may look at.
struct Observation {
  const Event& event;
  const HostView& host;
  const History& history;     ///< what happened before this event
  NamespaceInode host_utsns;  ///< the UTS namespace that is the host's
};

/// Explains one cause. Pure: asks the host view and returns a value; does not log, count, sleep, or open
/// files.
class Rule {
 public:
  virtual ~Rule() = default;
  /// nullopt: this is not my cause.
  virtual std::optional<Diagnosis> examine(const Observation& seen) const = 0;
};

/// Every file agent/diagnose/rules/<cause>.cpp defines `std::unique_ptr<Rule> rule_<cause>()`. The build
/// lists the folder and generates this: a cause is added by adding its file.
std::vector<std::unique_ptr<Rule>> make_rules();

}  // namespace sockward
