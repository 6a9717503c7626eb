#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/process/process_view.hpp"

namespace sockward {

// Parsers of the files in /proc/pid. Pure: any bytes are safe.

/// Start time of a process in clock ticks since boot, from the text of /proc/pid/stat (proc(5), field 22).
/// nullopt: not such a text. The command in it may hold spaces, parentheses and newlines.
std::optional<std::uint64_t> start_ticks_of(std::string_view stat_text);
/// File-system ids and groups from the text of /proc/pid/status (proc(5): Uid, Gid, Groups). nullopt: not
/// such a text.
std::optional<Credentials> credentials_of(std::string_view status_text);
/// The path of one controller's cgroup from the text of /proc/pid/cgroup. "" names the v2 hierarchy.
std::optional<std::string> cgroup_of(std::string_view cgroup_text, std::string_view controller);

}  // namespace sockward
