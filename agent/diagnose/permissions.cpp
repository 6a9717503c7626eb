#include "diagnose/permissions.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/printable.hpp"
#include "diagnose/capabilities.hpp"
#include "diagnose/facts.hpp"

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
/// (capable_wrt_inode_uidgid). That cannot be seen here: outside the initial one they are taken not to count,
/// for the call was refused, and leave a doubt (other_deciders).
bool overrides(const Actor& actor, std::uint32_t wanted) {
  if (actor.userns != kInitialUserNamespace) return false;
  return actor.has_capability(CAP_DAC_OVERRIDE) ||
         (wanted == kSearch && actor.has_capability(CAP_DAC_READ_SEARCH));
}

bool allows(const PathObject& object, const Credentials& credentials, const Actor& actor,
            std::uint32_t wanted) {
  return (mode_bits(object, credentials) & wanted) == wanted || overrides(actor, wanted);
}

std::optional<Purpose> purpose_of(const Event& event) {
  const auto* call = std::get_if<SocketCall>(&event.call);
  // A send to a connected peer walks no path.
  if (call != nullptr && call->family == AF_UNIX && call->address.kind == AddressKind::path &&
      !call->of_peer) {
    if (event.syscall == Syscall::bind) return Purpose::create;
    if (reaches(event.syscall)) return Purpose::connect;
  }
  if (removes_name(event.syscall)) return Purpose::remove;
  return std::nullopt;
}

/// What modes and capabilities alone do not decide.
Standing other_deciders(const Actor& actor, const PathTrace& trace) {
  if (trace.remote) return Standing::later("the file system decides on permissions itself");
  if (trace.idmapped) return Standing::later("a mount on the way maps owners (idmapped), or may");
  if (trace.layered && actor.userns != kInitialUserNamespace)
    return Standing::later("the path lies on an overlay, seen from another user namespace");
  const bool file_capabilities = actor.has_capability(CAP_DAC_OVERRIDE) ||
                                 actor.has_capability(CAP_DAC_READ_SEARCH) ||
                                 actor.has_capability(CAP_FOWNER);
  if (actor.userns != kInitialUserNamespace && file_capabilities)
    return Standing::later("the caller's capabilities are those of another user namespace");
  for (const auto& step : trace.searched)
    if (step.has_acl) return Standing::later(printable(step.path).text + " has an access-control list");
  if (trace.object && trace.object->has_acl)
    return Standing::later(printable(trace.object->path).text + " has an access-control list");
  return Standing::unchanged();
}

std::optional<PathStep> protected_link(const PathFacts& way, const Credentials& credentials) {
  constexpr std::uint32_t kWritableByAll = 02;
  for (const PathStep& link : way.trace.links) {
    if (last_component_of(link.path) != last_component_of(*way.path)) continue;
    for (const PathStep& directory : way.trace.searched)
      if (directory.path == folder_of(link.path) && (directory.object.mode & kSticky) != 0 &&
          (directory.object.mode & kWritableByAll) != 0 && link.object.uid != credentials.fsuid &&
          link.object.uid != directory.object.uid)
        return link;
  }
  return std::nullopt;
}

Standing of_credentials(const Facts& facts, const Credentials& credentials) {
  const Actor& actor = facts.event.actor;
  if (facts.asked_now()) return Standing::unchanged();
  if (actor.groups && !actor.groups_truncated) return Standing::at_call();
  if (actor.groups_truncated)
    return Standing::later(
        fmt::format("the caller has more groups than the {} that are recorded", actor.groups->size()));
  if (credentials.fsuid != actor.fsuid) return Standing::later("the caller has changed its user since");
  return Standing::later("the caller's groups were read after the call");
}

/// Of what was decided: every directory before it let the caller pass, and it is as it was.
Standing of_decision(const PathFacts& way, const std::optional<Denial>& denial) {
  const std::size_t last = way.trace.searched.size();
  if (!denial) {
    const Standing object = way.trace.object ? way.object_as_it_is : way.absence;
    return way.allowed_before(last) && object;
  }
  if (denial->what == Denial::What::socket) return way.allowed_before(last) && way.object_as_it_is;
  Standing standing = way.allowed_before(denial->directory + 1);
  if (denial->what == Denial::What::sticky || (denial->what == Denial::What::immutable && way.trace.object))
    standing = standing && way.object_as_it_is;
  return standing;
}

void find_changed(const Facts& facts, const PathFacts& way, PermissionReplay& replay) {
  const auto& searched = way.trace.searched;
  const bool of_object = replay.denial && replay.denial->what == Denial::What::socket;
  const std::size_t end = !replay.denial || of_object ? searched.size() : replay.denial->directory;
  for (std::size_t i = 0; i < end; ++i) {
    if (!attributes_changed_after_call(facts, searched[i].object)) continue;
    replay.changed_since = searched[i];
    replay.changed_is_last = i + 1 == searched.size();
    return;
  }
  if (replay.denial || !way.trace.object || !attributes_changed_after_call(facts, way.trace.object->object))
    return;
  replay.changed_since = way.trace.object;
  replay.changed_is_directory = false;
}

}  // namespace

std::optional<Denial> find_denial(const PathTrace& trace, const Credentials& credentials, const Actor& actor,
                                  Purpose purpose) {
  using What = Denial::What;
  for (std::size_t i = 0; i < trace.searched.size(); ++i)
    if (!allows(trace.searched[i].object, credentials, actor, kSearch))
      return Denial{What::search, trace.searched[i], i};
  if (trace.searched.empty() || trace.missing) return std::nullopt;
  const PathStep& last = trace.searched.back();
  const std::size_t at = trace.searched.size() - 1;
  if (purpose == Purpose::connect) {
    // Asked of whatever lies there, before it matters whether it is a socket (net/unix/af_unix.c,
    // unix_find_bsd).
    if (trace.object && !allows(trace.object->object, credentials, actor, kWrite))
      return Denial{What::socket, *trace.object, at};
    return std::nullopt;
  }
  // fs/namei.c: inode_permission asks for the flag before the mode, may_delete for those of the file last.
  if (last.object.immutable || (purpose == Purpose::remove && last.object.append_only))
    return Denial{What::immutable, last, at};
  if (!allows(last.object, credentials, actor, kWrite)) return Denial{What::write, last, at};
  const bool sticky = purpose == Purpose::remove && (last.object.mode & kSticky) != 0 && trace.object;
  const bool overrides_owner = actor.userns == kInitialUserNamespace && actor.has_capability(CAP_FOWNER);
  if (sticky && last.object.uid != credentials.fsuid && trace.object->object.uid != credentials.fsuid &&
      !overrides_owner)
    return Denial{What::sticky, last, at};
  if (purpose == Purpose::remove && trace.object &&
      (trace.object->object.immutable || trace.object->object.append_only))
    return Denial{What::immutable, *trace.object, at};
  return std::nullopt;
}

PermissionReplay replay_permissions(const Facts& facts, const ProcessView& processes) {
  PermissionReplay replay;
  const auto purpose = purpose_of(facts.event);
  if (!purpose) {
    replay.obstacle = "not a call on a path";
    return replay;
  }
  const PathFacts& way = facts.way();
  auto credentials = processes.credentials(facts.event);
  if (!credentials || !way.known()) {
    replay.obstacle = !credentials ? credentials.error().text() : way.obstacle;
    return replay;
  }
  replay.known = true;
  replay.credentials = std::move(*credentials);
  replay.denial = find_denial(way.trace, replay.credentials, facts.event.actor, *purpose);
  replay.standing = of_credentials(facts, replay.credentials) &&
                    other_deciders(facts.event.actor, way.trace) && of_decision(way, replay.denial);
  if (*purpose == Purpose::connect) replay.protected_link = protected_link(way, replay.credentials);
  if (replay.protected_link)
    replay.standing =
        replay.standing && Standing::later("fs.protected_symlinks may keep the caller from following " +
                                           printable(replay.protected_link->path).text);
  if (!facts.asked_now()) find_changed(facts, way, replay);
  return replay;
}

}  // namespace sockward
