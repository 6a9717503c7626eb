#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "record/record.hpp"

namespace sockward {

/// One alert as Alertmanager's API v2 takes it. Labels identify it, so they hold nothing that changes from
/// one occurrence to the next (no pid, no old or new name); the annotations do. All texts are printable
/// UTF-8.
struct Alert {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  WallTime starts, ends;
};

/// What every alert of this agent carries.
struct AlertIdentity {
  std::map<std::string, std::string> labels;  ///< instance, job, host_id, and the site's own
  std::string generator_url;                  ///< empty: left out; Alertmanager refuses what is no URL
};

/// The alert that a record stands for; times are left open. Pure.
Alert alert_of(const Record& record, const AlertIdentity& identity);

/// The body of POST /api/v2/alerts.
std::string to_json(const std::vector<Alert>& alerts, const std::string& generator_url);

}  // namespace sockward
