#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockward {

/// Whom a command runs as.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;      ///< supplementary ones
  std::string name, home, shell;  ///< empty: the user has no entry in passwd(5)
};

/// "NAME=value" each.
using Environment = std::vector<std::string>;

Environment own_environment();

/// A user or group id as sudo writes it: decimal, nothing else. nullopt also for the one that means "none".
std::optional<std::uint32_t> parse_id(std::string_view text);

/// Who called sudo, if that started this process as root; nullopt: nobody, or root. Only root's environment
/// counts: an ordinary user may write into theirs what they like. Throws StartupError (usage): SUDO_UID or
/// SUDO_GID is not an id.
std::optional<Identity> invoking_user(const Environment& environment);

/// `own` as that user's: HOME, USER, LOGNAME, SHELL and MAIL are theirs, and nothing says that sudo was
/// there. PATH and the rest stay as sudo left them.
Environment environment_of(const Identity& identity, const Environment& own);

}  // namespace sockward
