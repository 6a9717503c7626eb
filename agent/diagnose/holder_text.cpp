// What is said of the holders of a name.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/printable.hpp"
#include "diagnose/facts.hpp"
#include "diagnose/holding.hpp"
#include "diagnose/port_publisher.hpp"

namespace sockward {
namespace {

/// Is it the host's systemd? Only that one is asked for its units, and anybody can call a program systemd.
bool holds_for_units(const Holder& holder) {
  return holder.kind == Holder::Kind::process && holder.pid == 1;
}

std::string socket_unit_advice(const Holder& holder) {
  if (!holder.unit.empty())
    return fmt::format(
        "systemd holds it for {0}: `systemctl stop {0}` (and disable it), or let the program take over its "
        "socket (sd_listen_fds(3); Sockets={0} in its unit)",
        printable(holder.unit).text);
  return "systemd holds it for a socket unit: find it with `systemctl list-sockets`, then stop that unit, "
         "or let the program take over its socket (sd_listen_fds(3))";
}

double ms_between(MonotonicTime from, MonotonicTime to) {
  return static_cast<double>(to.ns - from.ns) / 1e6;
}

/// systemd listens in the place of the programs that it starts.
void describe_socket_unit(const Facts& facts, Finding& found) {
  if (!holds_for_units(*found.holder) || facts.socket() == nullptr) return;
  const auto& unit = facts.socket_unit();
  if (!unit) return;
  found.holder->unit = *unit;
  found.note(fmt::format("systemd listens there for {} (systemd says so now)", printable(*unit).text));
}

/// Of the holder, when it has the port in a container's place.
std::optional<PublishedPort> published_by(const Facts& facts, const Holder& holder) {
  if (!facts.is_inet() || holder.kind != Holder::Kind::process) return std::nullopt;
  if (!may_publish_ports(holder.comm)) return std::nullopt;
  const auto arguments = facts.arguments_of(holder.pid);
  return arguments ? published_port(holder.comm, *arguments) : std::nullopt;
}

void describe_open(const Facts& facts, const Holding& holding, Finding& found) {
  const OpenSocket& first = holding.open.front();
  found.holder = to_holder(first.owner);
  found.evidence.emplace_back(fmt::format("{} {} ({})", owner_text(first.owner), state_text(first.state),
                                          holding.looked_at ? "its own socket" : "scan of open sockets"),
                              holding.process);
  if (holding.socket.proven())
    found.evidence.emplace_back("that socket was bound before the call", holding.socket);
  else
    found.evidence.emplace_back("the socket is open now", holding.socket);
  describe_socket_unit(facts, found);
  if (const auto published = published_by(facts, *found.holder)) found.note(published->text);
  const auto& binder = holding.binder;
  const bool same = binder && binder->process.tgid == first.owner.process.tgid;
  if (binder && !same && binder->socket_inode == first.owner.socket_inode)
    found.note(owner_text(*binder) + " had bound it and passed it on");
  const auto sockets = std::count_if(holding.open.begin(), holding.open.end(), [&](const OpenSocket& socket) {
    return socket.owner.socket_inode != first.owner.socket_inode;
  });
  if (sockets > 0) found.note(fmt::format("{} descriptors hold the address in total", holding.open.size()));
}

/// The kernel side looks when the call returns, a few microseconds after the kernel has found the name in
/// use. A holder that is not much older may have come in between.
constexpr std::int64_t kCallNs = 100'000;

/// Of a holder that the kernel side saw.
Evidence seen_holding(const SeenHolder& seen, MonotonicTime call) {
  const MonotonicTime bound = seen.binder.binding.time;
  const std::string text =
      fmt::format("{} had bound it {:.1f} ms before the call, and {} when the call returned (name table)",
                  owner_text(seen.binder), ms_between(bound, call),
                  seen.has_open ? "had it open" : "its socket still had the name");
  if (!seen.has_open) return {text, Standing::later("another process may have been given the socket")};
  if (call.ns - bound.ns < kCallNs)
    return {text, Standing::later("another one may have had the name a moment before")};
  return {text, Standing::at_call()};
}

void describe_gone(const Facts& facts, const Holding& holding, Finding& found) {
  const SocketOwner& binder = *holding.binder;
  const MonotonicTime call = facts.event.time;
  found.holder = to_holder(binder, Holder::Kind::gone);
  if (holding.alive_unseen) {
    found.evidence.emplace_back(
        fmt::format("{} bound it {:.1f} ms before the call, and that socket still exists", owner_text(binder),
                    ms_between(binder.binding.time, call)),
        Standing::unchanged());
    found.note(
        "no process has it open: it is in flight between two processes (SCM_RIGHTS), or held by io_uring");
  } else if (holding.seen) {
    found.evidence.push_back(seen_holding(*holding.seen, call));
  } else if (binder.binding.had_it_at(call) && !binder.binding.found_gone) {
    // Sockets that are only bound can share a port (SO_REUSEADDR): one of several is not proof.
    found.evidence.emplace_back(
        fmt::format(
            "{} had bound it {:.1f} ms before the call, and its socket was released {:.1f} ms after it",
            owner_text(binder), ms_between(binder.binding.time, call),
            ms_between(call, binder.binding.released)),
        Standing::later(holding.only_binder ? "another process may have been given the socket, or a "
                                              "connection made with it, before the call"
                                            : "another socket was bound to the port as well"));
  } else {
    found.evidence.emplace_back(
        fmt::format("{} had bound it {:.1f} ms before; no process has it open any more", owner_text(binder),
                    ms_between(binder.binding.time, call)),
        Standing::later("when its socket was released is not known"));
  }
}

/// Programs that run other people's programs: that two have this name says nothing.
bool is_interpreter(std::string_view comm) {
  static constexpr std::array<std::string_view, 14> kNames = {"python", "python3",    "node",  "java", "perl",
                                                              "ruby",   "php",        "sh",    "bash", "dash",
                                                              "lua",    "MainThread", "socat", "nc"};
  return std::find(kNames.begin(), kNames.end(), comm) != kNames.end() || comm.starts_with("python3.");
}

}  // namespace

const char* state_text(OpenSocket::State state) {
  switch (state) {
    case OpenSocket::State::listening:
      return "listens";
    case OpenSocket::State::connected:
      return "has a connection";
    case OpenSocket::State::idle:
      return "has it bound";
  }
  return "has it";
}

std::string owner_text(const SocketOwner& owner) {
  return fmt::format("{}[{}] (uid {})", printable(owner.process.comm).text, owner.process.tgid,
                     owner.process.uid);
}

Holder to_holder(const SocketOwner& owner, Holder::Kind kind) {
  return {.kind = kind,
          .pid = owner.process.tgid,
          .uid = owner.process.uid,
          .pidns = owner.process.pidns,
          .comm = owner.process.comm,
          .container = {},
          .container_key = owner.process.container_key};
}

void describe_holding(const Facts& facts, const Holding& holding, Finding& found) {
  if (!holding.open.empty()) return describe_open(facts, holding, found);
  if (holding.kernel) {
    found.holder = Holder{.kind = Holder::Kind::kernel, .comm = {}, .container = {}};
    found.evidence.emplace_back(
        "held by a socket not owned by any process (/proc/net), probably the kernel's (NFS, WireGuard, "
        "VXLAN), or in flight between two processes",
        Standing::later("looked up after the call"));
    return;
  }
  if (holding.binder) describe_gone(facts, holding, found);
  if (!holding.obstacle.empty()) found.note("holders are not visible: " + holding.obstacle);
}

std::string holder_advice(const Facts& facts, const Holder& holder) {
  if (holder.kind == Holder::Kind::kernel)
    return "check ss -tulpn and what the kernel itself serves (wg show, exportfs -v, ip -d link show type "
           "vxlan), or use another port";
  if (holder.kind == Holder::Kind::gone)
    return "it was held only briefly: try again, or keep the two from running at the same time";
  if (holder.pid == facts.event.actor.tgid)
    return "the process holds the address itself: it binds twice, or did not close the old socket";
  if (holds_for_units(holder)) return socket_unit_advice(holder);
  if (const auto published = published_by(facts, holder)) return published->advice;
  if (holder.comm == facts.event.actor.comm && !is_interpreter(holder.comm))
    return fmt::format(
        "the same program already runs as pid {}: stop that one first, or give this one another address",
        holder.pid);
  return fmt::format("stop pid {} or give one of the two another address", holder.pid);
}

}  // namespace sockward
