#pragma once
#include <fmt/format.h>
#include <netinet/in.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "diagnose/facts.hpp"
#include "diagnose/history.hpp"
#include "diagnose/holding.hpp"
#include "diagnose/permissions.hpp"
#include "diagnose/prediction.hpp"

namespace sockward::prediction {

using Sockets = std::vector<OpenSocket>;

inline Prediction fails(int error, std::string because) {
  return {.error = error, .because = {std::move(because)}, .unknown = {}};
}

inline Prediction nothing_prevents(std::string because) {
  return {.because = {std::move(because)}, .unknown = {}};
}

inline Prediction not_known(std::string why) {
  return {.because = {}, .unknown = {std::move(why)}};
}

/// The owner of a socket, for people. One that no process has open has no owner to name.
std::string who(const OpenSocket& socket);

/// A call that was not made, and what the kernel would find out about it, one check after the other. All that
/// is referred to must outlive this object.
class Attempt {
 public:
  Attempt(const Event& event, const SocketCall& call, const HostView& host, const Surroundings& around)
      : facts_(event, host, history_, 0, /*asked_now=*/true), call_(call), host_(host), around_(around) {}

  // Names of AF_UNIX: prediction_unix.cpp.
  Prediction on_path() const;
  Prediction on_abstract_name() const;
  // Internet addresses: prediction_inet.cpp.
  Prediction bind_inet() const;
  Prediction connect_inet() const;

 private:
  bool binds() const { return facts_.event.syscall == Syscall::bind; }
  bool is_tcp() const { return port_protocol(call_.protocol) == IPPROTO_TCP; }
  std::string ip() const { return call_.address.ip_text(); }
  std::string network() const { return fmt::format("network namespace {}", call_.socket_netns); }

  Prediction bind_path() const;
  std::optional<Prediction> file_system_without_sockets(const std::string& folder) const;
  Prediction connect_path() const;
  Prediction denied(const Denial& denial) const;
  bool may_write_object() const;
  Prediction served_by(const Sockets& sockets, const std::string& name, const std::string& obstacle) const;
  Sockets with_unowned(Sockets open, const SocketTest& wanted) const;

  std::optional<Prediction> port_privilege() const;
  std::optional<Prediction> own_address() const;
  std::optional<Prediction> own_v6_address() const;
  Prediction port_holders() const;
  std::optional<Prediction> connections_left_behind(Prediction& otherwise) const;
  std::optional<Prediction> unusable_v6_destination() const;
  std::optional<Prediction> unreachable(bool& local) const;
  Prediction listener_at(const SocketAddress& destination) const;

  const History history_{1};
  const Facts facts_;
  const SocketCall& call_;
  const HostView host_;
  const Surroundings& around_;
};

}  // namespace sockward::prediction
