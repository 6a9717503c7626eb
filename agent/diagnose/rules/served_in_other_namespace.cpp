// The very name is served, but in another namespace: a path in another mount namespace (PrivateTmp, a
// container), an abstract name or a port in another network namespace.
//
// Never certain: that the caller meant that server is concluded from the name.
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

constexpr const char* kAlternative = "that the caller meant this server is concluded from the name alone";

/// The finding that names the owner of a socket in another namespace.
Finding served_by(const SocketOwner& owner, std::string evidence, std::string advice) {
  Finding found{.cause = Cause::served_in_other_namespace,
                .evidence = {{std::move(evidence), Standing::later("looked up after the call")}},
                .alternative = kAlternative,
                .advice = std::move(advice)};
  found.holder = to_holder(owner);
  return found;
}

/// The path with its links followed; empty: it could not be.
std::string resolved_name(const PathFacts& way) {
  if (!way.known() || way.trace.searched.empty() || way.trace.missing) return "";
  if (way.trace.object) return way.trace.object->path;
  const std::string folder = way.trace.searched.back().path;
  return (folder == "/" ? "" : folder) + "/" + last_component_of(*way.path);
}

std::optional<Finding> of_path(const Facts& facts) {
  const PathFacts& way = facts.way();
  const ScanFact& scan = facts.scan();
  if (!way.path || !scan.scan) return std::nullopt;
  const std::string resolved = resolved_name(way);
  for (const OpenSocket& open : scan.scan->sockets) {
    if (open.name.kind != BoundName::Kind::path || !serves(open) || open.links == 0) continue;
    if (open.path != *way.path && (resolved.empty() || open.path != resolved)) continue;
    const OpenSocket socket = with_its_binder(facts, open);
    NamespaceInode mntns = socket.owner.process.mntns;
    if (mntns == 0)
      if (const auto now =
              facts.mount_namespace({socket.owner.process.tgid, socket.owner.process.leader_start_ns}))
        mntns = *now;
    if (mntns == 0 || mntns == facts.event.actor.mntns) continue;
    return served_by(
        socket.owner,
        fmt::format("{} serves {} in mount namespace {}; the caller is in {}", owner_text(socket.owner),
                    printable(*way.path).text, mntns, facts.event.actor.mntns),
        "share the directory between the two: a bind mount or a volume; systemd: JoinsNamespaceOf=, "
        "or no PrivateTmp= on one of the two");
  }
  return std::nullopt;
}

std::optional<Finding> of_abstract_name(const Facts& facts) {
  const SocketCall& call = *facts.socket();
  const ScanFact& scan = facts.scan();
  if (!scan.scan) return std::nullopt;
  BoundName wanted = name_of_call(call);
  for (const OpenSocket& open : scan.scan->sockets) {
    if (open.name.kind != BoundName::Kind::abstract || !serves(open) || open.name.netns == call.socket_netns)
      continue;
    wanted.netns = open.name.netns;
    if (!(open.name == wanted)) continue;
    const OpenSocket socket = with_its_binder(facts, open);
    return served_by(
        socket.owner,
        fmt::format("{} serves the name in network namespace {}; the caller's socket is in {}, "
                    "where no socket serves it",
                    owner_text(socket.owner), socket.name.netns, call.socket_netns),
        "abstract names belong to a network namespace: let the two share one, or use a socket file "
        "in a directory that both see");
  }
  return std::nullopt;
}

std::optional<Finding> of_port(const Facts& facts) {
  const SocketCall& call = *facts.socket();
  const ScanFact& scan = facts.scan();
  if (!scan.scan || !is_local_destination(facts, call).value_or(false)) return std::nullopt;
  if (listener_for(facts, call) || !listeners_elsewhere(facts, call).empty()) return std::nullopt;
  for (const OpenSocket& open : scan.scan->sockets) {
    if (open.name.kind != BoundName::Kind::inet || open.state != OpenSocket::State::listening ||
        open.name.netns == call.socket_netns || open.name.address.port != call.address.port ||
        port_protocol(open.name.protocol) != port_protocol(call.protocol))
      continue;
    const OpenSocket socket = with_its_binder(facts, open);
    return served_by(
        socket.owner,
        fmt::format("{} listens on {} in network namespace {}; the caller's socket is in {}, "
                    "where no socket listens on the port",
                    owner_text(socket.owner), name_text(socket), socket.name.netns, call.socket_netns),
        "publish the port of the container (docker run -p, ports: in a pod), or use the container's "
        "own address");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Finding> served_in_other_namespace(const Facts& facts) {
  const int error = facts.event.error();
  if (!facts.reaches() || facts.to_peer() || (error != ECONNREFUSED && error != ENOENT)) return std::nullopt;
  if (facts.is_unix_path()) return of_path(facts);
  if (error != ECONNREFUSED) return std::nullopt;
  if (facts.is_abstract()) return of_abstract_name(facts);
  return facts.is_inet() && !refused_by_icmp(facts) ? of_port(facts) : std::nullopt;
}

}  // namespace sockward::rules
