#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "host/cpu_budget.hpp"
#include "host/network/network_namespaces.hpp"
#include "host/network/network_view.hpp"

namespace sockward {

/// NetworkView on /proc/net and rtnetlink(7), in the namespace of the call. Thread-safe.
class ProcNetwork final : public NetworkView {
 public:
  /// `limit` decides about searches of /proc/net. All three must outlive this object.
  ProcNetwork(const ProcessFolders& processes, const Clock& clock, CpuBudget& limit)
      : namespaces_(processes), processes_(processes), clock_(clock), limit_(limit) {}

  Result<std::vector<PortUse>> port_uses(const Event& event, std::uint16_t port, int protocol) const override;
  Result<bool> knows_socket_named(const Event& event, const std::string& name) const override;
  Result<Route> route(const Event& event, const SocketAddress& to) const override;
  Result<std::vector<NetworkInterface>> interfaces(const Event& event) const override;
  Result<std::optional<KnownConnection>> connection(const Event& event, const SocketAddress& local,
                                                    const SocketAddress& remote) const override;

 private:
  Result<NetworkNamespace> open_network(const Event& event) const;
  Result<bool> find_name(const Event& event, const std::string& name) const;
  Result<bool> read_both(const NetworkNamespace& home, const std::string& table,
                         const std::function<void(std::string_view)>& take) const;

  const NetworkNamespaces namespaces_;
  const ProcessFolders& processes_;
  const Clock& clock_;
  CpuBudget& limit_;
};

}  // namespace sockward
