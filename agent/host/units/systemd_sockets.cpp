#include "host/units/systemd_sockets.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

namespace sockward {
namespace {

/// systemd does one thing at a time, and the moment at which a unit fails is a busy one.
constexpr std::chrono::seconds kLimit{1};
/// Of one call on the bus: longer, so that what takes too long is given up, and counted, by the worker.
constexpr std::chrono::seconds kCallLimit{2};
/// How long a list is good for an address that is on it; for one that is not, which a unit of this moment may
/// have; and how long systemd is left alone when it did not answer.
constexpr std::chrono::milliseconds kKept{5000}, kKeptWithout{1000}, kLeftAlone{2000};
constexpr const char* kService = "org.freedesktop.systemd1";

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using Message = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

Error bus_error(int result, const char* operation) {
  return {std::error_code(-result, std::generic_category()), operation};
}

Result<Bus> connect_to(const std::string& path) {
  // Not by trying: where there is no systemd, that would be one more connect that fails.
  if (access(path.c_str(), F_OK) != 0) return last_error("look for " + path);
  sd_bus* raw = nullptr;
  int result = sd_bus_new(&raw);
  Bus bus(raw, sd_bus_flush_close_unref);
  if (result >= 0) result = sd_bus_set_address(raw, ("unix:path=" + path).c_str());
  if (result >= 0)
    result = sd_bus_set_method_call_timeout(raw, std::chrono::microseconds(kCallLimit).count());
  if (result >= 0) result = sd_bus_start(raw);
  if (result < 0) return bus_error(result, "connect to systemd");
  return bus;
}

/// Name and object of each loaded socket unit.
Result<std::vector<std::pair<std::string, std::string>>> socket_units(sd_bus* bus) {
  sd_bus_message* raw = nullptr;
  int result =
      sd_bus_call_method(bus, kService, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                         "ListUnitsByPatterns", nullptr, &raw, "asas", 0, 1, "*.socket");
  const Message reply(raw, sd_bus_message_unref);
  if (result < 0) return bus_error(result, "list socket units");
  std::vector<std::pair<std::string, std::string>> units;
  result = sd_bus_message_enter_container(raw, 'a', "(ssssssouso)");
  while (result >= 0) {
    const char *name = nullptr, *object = nullptr;
    result = sd_bus_message_read(raw, "(ssssssouso)", &name, nullptr, nullptr, nullptr, nullptr, nullptr,
                                 &object, nullptr, nullptr, nullptr);
    if (result <= 0) break;
    units.emplace_back(name, object);
  }
  if (result < 0) return bus_error(result, "read the list of socket units");
  return units;
}

/// What one of them listens on. A unit that goes meanwhile has nothing.
void add_addresses(sd_bus* bus, const std::string& name, const std::string& object,
                   std::vector<UnitAddress>& into) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_get_property(bus, kService, object.c_str(), "org.freedesktop.systemd1.Socket", "Listen",
                                   nullptr, &raw, "a(ss)");
  const Message reply(raw, sd_bus_message_unref);
  if (result < 0 || sd_bus_message_enter_container(raw, 'a', "(ss)") < 0) return;
  const char *kind = nullptr, *address = nullptr;
  while (sd_bus_message_read(raw, "(ss)", &kind, &address) > 0)
    into.push_back({.unit = name, .kind = kind, .address = address});
}

Result<std::vector<UnitAddress>> ask(const std::string& path) {
  const auto bus = connect_to(path);
  if (!bus) return bus.error();
  const auto units = socket_units(bus->get());
  if (!units) return units.error();
  std::vector<UnitAddress> addresses;
  for (const auto& [name, object] : *units) add_addresses(bus->get(), name, object, addresses);
  return addresses;
}

/// "[::]:80", "10.0.0.1:80"
struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
};
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.starts_with('/') || text.starts_with('@')) return std::nullopt;
  Endpoint found;
  const std::string_view port = text.substr(colon + 1);
  if (std::from_chars(port.data(), port.data() + port.size(), found.port).ec != std::errc())
    return std::nullopt;
  found.ip = text.substr(0, colon);
  if (found.ip.starts_with('[')) found.ip = found.ip.substr(1, found.ip.find(']') - 1);
  return found;
}

bool is_wildcard(const std::string& ip) {
  return ip == "0.0.0.0" || ip == "::";
}

const char* kind_of(const SocketCall& call) {
  return call.type == SOCK_DGRAM ? "Datagram" : call.type == SOCK_SEQPACKET ? "SequentialPacket" : "Stream";
}

}  // namespace

bool is_address_of(const UnitAddress& listens, const SocketCall& call) {
  if (listens.kind != kind_of(call)) return false;
  switch (call.address.kind) {
    case AddressKind::path:
      return listens.address == call.address.name;
    case AddressKind::abstract:
      return listens.address == "@" + call.address.name;
    case AddressKind::inet:
    case AddressKind::inet6: {
      const auto endpoint = endpoint_of(listens.address);
      if (!endpoint || endpoint->port != call.address.port) return false;
      const std::string ip = call.address.ip_text();
      return endpoint->ip == ip || is_wildcard(endpoint->ip) || is_wildcard(ip);
    }
    default:
      return false;
  }
}

SystemdSockets::SystemdSockets(std::string bus) : bus_(std::move(bus)), worker_(kLimit) {}

Result<std::string> SystemdSockets::listed(const SocketCall& call) const {
  if (!known_) return known_.error();
  const auto found = std::find_if(known_->begin(), known_->end(),
                                  [&](const UnitAddress& one) { return is_address_of(one, call); });
  if (found == known_->end()) return make_error(std::errc::no_such_file_or_directory, "find its socket unit");
  return found->unit;
}

Result<std::string> SystemdSockets::socket_unit(const SocketCall& call) const {
  const std::lock_guard lock(mutex_);
  auto unit = listed(call);
  const auto kept = unit ? kKept : known_ ? kKeptWithout : kLeftAlone;
  if (asked_ && std::chrono::steady_clock::now() < *asked_ + kept) return unit;
  known_ = worker_.with_timeout<Addresses>([bus = bus_] { return ask(bus); });
  asked_ = std::chrono::steady_clock::now();
  return listed(call);
}

}  // namespace sockward
