#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

/// Adds the names that lines of passwd(5) or group(5) give to these numbers; the first one counts, as for
/// getpwuid(3). Names with other characters than shadow-utils allows are passed over. Thread-safe.
void add_names(std::string_view lines, const std::set<std::uint32_t>& wanted,
               std::map<std::uint32_t, std::string>& names);

/// What /etc/passwd and /etc/group below a root directory say; other sources (LDAP, sssd) are not asked, for
/// they can block. Error: a file cannot be read, is no regular file or is longer than 1 MiB. Thread-safe.
Result<IdNames> id_names_below(int root, const IdNumbers& wanted);

}  // namespace sockward
