#pragma once
#include <string>

#include "record/record.hpp"

namespace sockward {

/// What failed and why, who holds the name, then what to do: one printable line, for where a service or a pod
/// is looked at (systemctl status, kubectl describe).
std::string message_of(const Record& record);

}  // namespace sockward
