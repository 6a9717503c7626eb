#pragma once
#include <string>

namespace sockward {

/// The host a record is about and the agent that made it: OpenTelemetry's resource.
struct Resource {
  std::string service_version;
  std::string host_id;    ///< /etc/machine-id; empty: unknown
  std::string host_name;  ///< raw bytes
};

/// Which of the command line goes into records: arguments carry passwords.
enum class CommandArgs { off, program, full };

}  // namespace sockward
