#include "host/network/proc_network.hpp"

#include <netinet/in.h>

#include "host/network/interfaces.hpp"
#include "host/network/proc_net.hpp"
#include "host/network/route.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLongestTable = std::size_t{16} << 20;

}  // namespace

/// The namespace of the call. Searching for it costs a pass over all processes, so the limit decides.
Result<NetworkNamespace> ProcNetwork::open_network(const Event& event) const {
  if (auto found = namespaces_.open(event)) return found;
  if (!limit_.may_begin()) return budget_exhausted("search for the network namespace of the call");
  const CpuBudget::Use use(limit_, clock_);
  return namespaces_.search(event);
}

/// The table for IPv4 and that for IPv6. Without IPv6 in the kernel there is no second one.
Result<bool> ProcNetwork::read_both(const NetworkNamespace& home, const std::string& table,
                                    const std::function<void(std::string_view)>& take) const {
  auto read = namespaces_.read_table(home, table, kLongestTable, take);
  if (!read) return read;
  read = namespaces_.read_table(home, table + "6", kLongestTable, take);
  if (!read && read.error().code == std::errc::no_such_file_or_directory) return true;
  return read;
}

Result<std::vector<PortUse>> ProcNetwork::port_uses(const Event& event, std::uint16_t port,
                                                    int protocol) const {
  const auto home = open_network(event);
  if (!home) return home.error();
  const std::string table = protocol == IPPROTO_UDP ? "udp" : "tcp";
  if (!limit_.may_begin()) return budget_exhausted("search /proc/net/" + table);
  const CpuBudget::Use use(limit_, clock_);
  std::vector<PortUse> found;
  const auto read =
      read_both(*home, table, [&](std::string_view lines) { add_port_uses(lines, port, found); });
  if (!read) return read.error();
  return found;
}

Result<std::optional<KnownConnection>> ProcNetwork::connection(const Event& event, const SocketAddress& local,
                                                               const SocketAddress& remote) const {
  const auto home = open_network(event);
  if (!home) return home.error();
  if (!limit_.may_begin()) return budget_exhausted("search /proc/net/tcp");
  const CpuBudget::Use use(limit_, clock_);
  std::optional<KnownConnection> found;
  const auto read = read_both(*home, "tcp", [&](std::string_view lines) {
    if (!found) found = find_connection(lines, local, remote);
  });
  if (!found && !read) return read.error();
  return found;
}

Result<bool> ProcNetwork::knows_socket_named(const Event& event, const std::string& name) const {
  if (!limit_.may_begin()) return budget_exhausted("search /proc/net/unix");
  const CpuBudget::Use use(limit_, clock_);
  return find_name(event, name);
}

Result<bool> ProcNetwork::find_name(const Event& event, const std::string& name) const {
  bool known = false;
  std::optional<Error> failed;
  const auto visited = namespaces_.for_each(event, [&](const NetworkNamespace& home) {
    const auto read = namespaces_.read_table(home, "unix", kLongestTable, [&](std::string_view lines) {
      known = known || lists_socket_named(lines, name);
    });
    if (!read) failed = read.error();
    return !known;
  });
  if (known) return true;
  if (!visited) return visited.error();
  if (failed) return *failed;
  return false;
}

Result<Route> ProcNetwork::route(const Event& event, const SocketAddress& to) const {
  const auto home = open_network(event);
  if (!home) return home.error();
  Destination destination{.address = to, .uid = event.actor.uid};
  if (const auto* call = std::get_if<SocketCall>(&event.call); call != nullptr) {
    if (call->socket_uid != 0) destination.uid = call->socket_uid;
    // bind(2) looks for the address on all interfaces (net/ipv4/af_inet.c, inet_addr_type_table).
    if (event.syscall == Syscall::connect) destination.device = call->bound_device;
  }
  return ask_route(home->file.get(), destination);
}

Result<std::vector<NetworkInterface>> ProcNetwork::interfaces(const Event& event) const {
  const auto home = open_network(event);
  if (!home) return home.error();
  return list_interfaces(home->file.get(), processes_.proc());
}

}  // namespace sockward
