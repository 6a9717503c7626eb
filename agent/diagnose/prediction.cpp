#include "diagnose/prediction.hpp"

#include <utility>

#include "diagnose/attempt.hpp"

namespace sockward {
namespace prediction {

std::string who(const OpenSocket& socket) {
  return socket.owner.process.tgid != 0 ? owner_text(socket.owner) : "a socket that no process has open";
}

Sockets Attempt::with_unowned(Sockets open, const SocketTest& wanted) const {
  if (around_.unowned)
    for (OpenSocket& socket : around_.unowned())
      if (wanted(socket)) open.push_back(std::move(socket));
  return open;
}

}  // namespace prediction

Prediction predict(const Event& attempt, const HostView& host, const Surroundings& around) {
  const auto* call = std::get_if<SocketCall>(&attempt.call);
  if (call == nullptr) return prediction::not_known("not a call on a socket");
  const prediction::Attempt tried(attempt, *call, host, around);
  if (call->address.kind == AddressKind::path) return tried.on_path();
  if (call->address.kind == AddressKind::abstract) return tried.on_abstract_name();
  if (!call->address.is_inet()) return prediction::not_known("an address that sockward does not know");
  return attempt.syscall == Syscall::bind ? tried.bind_inet() : tried.connect_inet();
}

}  // namespace sockward
