#pragma once
#include <string_view>

namespace sockward {

/// How much a record matters (docs/contract.md).
enum class Severity { info, warn, error };

/// "INFO" and 9, "WARN" and 13, "ERROR" and 17: OpenTelemetry log data model.
std::string_view to_string(Severity severity);
int severity_number(Severity severity);

}  // namespace sockward
