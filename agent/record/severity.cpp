#include "record/severity.hpp"

namespace sockward {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "INFO";
    case Severity::warn:
      return "WARN";
    case Severity::error:
      return "ERROR";
  }
  return "INFO";
}

int severity_number(Severity severity) {
  return severity == Severity::error ? 17 : severity == Severity::warn ? 13 : 9;
}

}  // namespace sockward
