#pragma once
#include <optional>
#include <string>

#include "base/result.hpp"
#include "event/event.hpp"
#include "kernel/bound_sockets.hpp"

namespace sockward {

/// Who a process is, from /proc: what the kernel side writes into every record, for those who ask without
/// one. `tgid` 0: our own. Error: it is gone, or not visible.
Result<Actor> actor_from_proc(const std::string& proc, std::uint32_t tgid);
/// The same, as the owner of a socket, without its mount namespace. nullopt: it is gone.
std::optional<OwnerProcess> owner_from_proc(const std::string& proc, std::uint32_t tgid);

}  // namespace sockward
