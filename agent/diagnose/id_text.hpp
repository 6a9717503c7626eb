#pragma once
#include <string>

#include "diagnose/permissions.hpp"

namespace sockward {

// Users and groups for people: numbers, with the names that the caller's own files give them. Pure.

/// The numbers that texts about a refusal mention: of the caller, and of what denies it.
IdNumbers ids_of(const PermissionReplay& replay);

/// "uid 33 (www-data)", or "uid 33" where it has no name.
std::string user_text(std::uint32_t uid, const IdNames& names);
/// "group docker (gid 999)", or "group 999".
std::string group_text(std::uint32_t gid, const IdNames& names);
/// "uid 998 (ergo), groups 998 (ergo), 100 (users)"; eight groups at most.
std::string credentials_text(const Credentials& credentials, const IdNames& names);
/// "uid 0 (root), gid 0 (root), mode 0755"
std::string ownership_text(const PathObject& object, const IdNames& names = {});

}  // namespace sockward
