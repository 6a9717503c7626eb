#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

/// The name that lines of passwd(5) or group(5) give to a number; the first one counts, as for getpwuid(3).
/// Names with other characters than shadow-utils allows are passed over. Thread-safe.
std::optional<std::string> name_of_id(std::string_view lines, std::uint32_t id);

/// What /etc/passwd and /etc/group below a root directory say; other sources (LDAP, sssd) are not asked, for
/// they can block. Error: a file cannot be read, is no regular file or is longer than 1 MiB. Thread-safe.
Result<IdNames> id_names_below(int root, std::uint32_t uid, std::uint32_t gid);

}  // namespace sockward
