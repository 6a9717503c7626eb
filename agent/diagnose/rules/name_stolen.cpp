// A server's socket file was removed while it listened, and somebody else has bound the name: it serves on,
// and nobody can reach it any more (a second redis does this to a running one).
//
// Both binds were seen under the same directory entry; the first socket is still open, listens, and its file
// has no name left. A server that was only renamed, or has gone, is not robbed.
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.hpp"
#include "diagnose/holding.hpp"

namespace sockward {
namespace {

class NameStolen final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || seen.event.failed() || seen.event.syscall != Syscall::bind || !call->replaced)
      return std::nullopt;
    const BoundName old{.kind = BoundName::Kind::path,
                        .address = {},
                        .device = call->replaced->device,
                        .inode = call->replaced->inode};
    const Holding holding = find_holding(seen, old, [&](const OpenSocket& socket) {
      return socket.name == old && socket.links == 0 && socket.state != OpenSocket::State::connected;
    });
    if (holding.open.empty()) return std::nullopt;
    const OpenSocket& robbed = holding.open.front();
    Diagnosis found{.cause = Cause::name_stolen,
                    .confidence = holding.proven ? Confidence::certain : Confidence::likely};
    found.holder = to_holder(robbed.owner);
    found.evidence = {
        fmt::format("{} {} on a socket file that had this name before, and has none now",
                    owner_text(robbed.owner),
                    robbed.state == OpenSocket::State::listening ? "listens" : "has a socket open"),
        "clients that come by the name reach the new socket; the old server gets no more connections"};
    const bool itself = robbed.owner.tgid == seen.event.actor.tgid;
    if (itself)
      found.advice = "the process replaced its own socket: close the old one when its last client has gone";
    else if (robbed.owner.comm == seen.event.actor.comm)
      found.advice = fmt::format(
          "the same program runs already as pid {}: stop one of the two, then start the one that shall serve",
          robbed.owner.tgid);
    else
      found.advice = fmt::format("restart pid {} with a path of its own", robbed.owner.tgid);
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_name_stolen() {
  return std::make_unique<NameStolen>();
}

}  // namespace sockward
