#include "diagnose/permissions.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <algorithm>

#include "diagnose/capabilities.hpp"
#include "diagnose/file_time.hpp"

namespace sockward {
namespace {

constexpr std::uint32_t kSearch = 1, kWrite = 2, kSticky = 01000;

bool in_groups(const Credentials& credentials, std::uint32_t gid) {
  return credentials.fsgid == gid ||
         std::find(credentials.groups.begin(), credentials.groups.end(), gid) != credentials.groups.end();
}

std::uint32_t mode_bits(const PathObject& object, const Credentials& credentials) {
  if (credentials.fsuid == object.uid) return object.mode >> 6 & 7;
  return (in_groups(credentials, object.gid) ? object.mode >> 3 : object.mode) & 7;
}

/// Capabilities over files count where the owner is mapped in the caller's user namespace
/// (capable_wrt_inode_uidgid); that cannot be seen here, so outside the initial one they leave a doubt:
/// treated as allowing.
bool overrides(const Actor& actor, std::uint32_t wanted) {
  return actor.has_capability(CAP_DAC_OVERRIDE) ||
         (wanted == kSearch && actor.has_capability(CAP_DAC_READ_SEARCH));
}

bool allows(const PathObject& object, const Credentials& credentials, const Actor& actor,
            std::uint32_t wanted) {
  return (mode_bits(object, credentials) & wanted) == wanted || overrides(actor, wanted);
}

std::optional<Purpose> purpose_of(const Event& event) {
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call != nullptr && call->family == AF_UNIX && call->address.kind == AddressKind::path) {
    if (event.syscall == Syscall::bind) return Purpose::create;
    if (event.syscall == Syscall::connect) return Purpose::connect;
  }
  if (event.syscall == Syscall::unlink || event.syscall == Syscall::unlinkat) return Purpose::remove;
  return std::nullopt;
}

std::string doubt_of(const Observation& seen, const PathTrace& trace, const Credentials& credentials) {
  const Actor& actor = seen.event.actor;
  if (trace.remote) return "the path lies on a file system that decides about permissions by itself";
  if (trace.idmapped) return "a mount on the way maps owners, or may";
  if (trace.layered && actor.userns != kInitialUserNamespace)
    return "the path lies on an overlay, seen from a user namespace of its own";
  if (credentials.fsuid != actor.fsuid) return "the caller has changed its user since";
  const bool file_capabilities =
      actor.has_capability(CAP_DAC_OVERRIDE) || actor.has_capability(CAP_DAC_READ_SEARCH);
  if (actor.userns != kInitialUserNamespace && file_capabilities)
    return "the caller has capabilities in a user namespace of its own";
  for (const auto& step : trace.searched)
    if (step.has_acl) return step.path + " has an access-control list";
  if (trace.object && trace.object->has_acl) return trace.object->path + " has an access-control list";
  return "";
}

}  // namespace

std::optional<Denial> find_denial(const PathTrace& trace, const Credentials& credentials, const Actor& actor,
                                  Purpose purpose) {
  using What = Denial::What;
  for (const auto& step : trace.searched)
    if (!allows(step.object, credentials, actor, kSearch)) return Denial{What::search, step};
  if (trace.searched.empty()) return std::nullopt;
  const PathStep& last = trace.searched.back();
  if (purpose == Purpose::connect) {
    if (trace.object && trace.object->object.kind == PathObject::Kind::socket &&
        !allows(trace.object->object, credentials, actor, kWrite))
      return Denial{What::socket, *trace.object};
    return std::nullopt;
  }
  // fs/namei.c: inode_permission asks for the flag before the mode, may_delete for those of the file last.
  if (last.object.immutable || (purpose == Purpose::remove && last.object.append_only))
    return Denial{What::immutable, last};
  if (!allows(last.object, credentials, actor, kWrite)) return Denial{What::write, last};
  const bool sticky = purpose == Purpose::remove && (last.object.mode & kSticky) != 0 && trace.object;
  if (sticky && last.object.uid != credentials.fsuid && trace.object->object.uid != credentials.fsuid &&
      !actor.has_capability(CAP_FOWNER))
    return Denial{What::sticky, last};
  if (purpose == Purpose::remove && trace.object &&
      (trace.object->object.immutable || trace.object->object.append_only))
    return Denial{What::immutable, *trace.object};
  return std::nullopt;
}

PermissionReplay replay_permissions(const Observation& seen) {
  PermissionReplay replay;
  const auto purpose = purpose_of(seen.event);
  const auto path = resolved_path(seen.event);
  if (!purpose || !path) {
    replay.obstacle = "the path could not be made absolute";
    return replay;
  }
  auto credentials = seen.host.credentials(seen.event);
  const auto trace = seen.host.trace_path(seen.event, *path, *purpose == Purpose::connect);
  if (!credentials || !trace) {
    replay.obstacle = !credentials ? credentials.error().text() : trace.error().text();
    return replay;
  }
  replay.known = true;
  replay.doubt = doubt_of(seen, *trace, *credentials);
  replay.denial = find_denial(*trace, *credentials, seen.event.actor, *purpose);
  if (replay.denial && replay.doubt.empty() &&
      !surely_before(replay.denial->step.object.changed, seen.host.wall(seen.event.time)))
    replay.doubt = replay.denial->step.path + " was changed after the call";
  if (replay.denial) replay.denial->sure = replay.doubt.empty();
  replay.credentials = std::move(*credentials);
  return replay;
}

std::string credentials_text(const Credentials& credentials) {
  std::string groups = fmt::format("{}", credentials.fsgid);
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < credentials.groups.size() && i < kShown; ++i)
    if (credentials.groups[i] != credentials.fsgid) groups += fmt::format(", {}", credentials.groups[i]);
  if (credentials.groups.size() > kShown) groups += ", …";
  return fmt::format("uid {} (groups {})", credentials.fsuid, groups);
}

}  // namespace sockward
