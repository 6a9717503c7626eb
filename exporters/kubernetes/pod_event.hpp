#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "record/record.hpp"

namespace sockward {

/// An Event of events.k8s.io/v1 on the pod that a record is about. All texts are printable, and names are
/// such as Kubernetes gives.
struct PodEvent {
  /// What two records must share to be one Event, the later a repeat of the first: the pod, its container,
  /// the cause, the call and what it was about; not the process, nor who holds the name.
  std::string key;
  std::string pod_namespace, pod, pod_uid;
  std::string container;  ///< empty: the pod's sandbox
  std::string reason;     ///< AddressInUse
  std::string action;     ///< Bind
  std::string note;       ///< 1,024 bytes at most
  std::string instance;   ///< the node
  bool warning = true;
  WallTime time;
  std::uint64_t times = 1;  ///< calls it stands for
};

/// Is the record about a pod, whatever it is called?
bool is_of_pod(const Record& record);
/// nullopt: the names of its pod are not known, or are none. `instance`: who reports it. Pure.
std::optional<PodEvent> pod_event_of(const Record& record, const std::string& instance);
/// The cause, as Kubernetes writes reasons.
std::string reason_of(Cause cause);

/// Says how many Events of the pod were left out before this one.
void add_left_out(PodEvent& event, std::uint64_t number);

/// Of metadata.name: the pod's, with a number that no other event of it has.
std::string object_name(const PodEvent& event);
/// The body of a POST that creates it. `times` above 1: as a series that lasted until `last`. Pure.
std::string creation_of(const PodEvent& event, const std::string& name, std::uint64_t times, WallTime last);
/// The body of a PATCH (application/merge-patch+json) after a repeat. `times`: 2 or more. Pure.
std::string series_patch(std::uint64_t times, WallTime last);

}  // namespace sockward
