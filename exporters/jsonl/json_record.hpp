#pragma once
#include <string>

#include "record/record.hpp"

namespace sockward {

/// Which of the command line goes into records: arguments carry passwords.
enum class CommandArgs { off, program, full };

/// What a record says about the host that made it.
struct Resource {
  std::string service_version;
  std::string host_id;    ///< /etc/machine-id; empty: unknown
  std::string host_name;  ///< raw bytes
};

/// One record as one line of JSON (docs/records.schema.json), without the newline. Valid UTF-8 whatever the
/// names hold.
std::string to_json(const Record& record, const Resource& resource, CommandArgs arguments = CommandArgs::off);

}  // namespace sockward
