#include "host/bus/bus_watch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>

#include "base/log.hpp"
#include "base/read_file.hpp"

namespace sockward {
namespace {

constexpr std::chrono::milliseconds kLimit{500};  // of one call of the bus
constexpr std::chrono::seconds kConnectLimit{1};
constexpr std::chrono::seconds kAgain{10};  // between two attempts to connect
constexpr const char* kBusName = "org.freedesktop.DBus";
constexpr const char* kBusPath = "/org/freedesktop/DBus";
constexpr const char* kInterface = "org.freedesktop.hostname1";

using Bus = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using Message = std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

Error bus_error(int result, std::string operation) {
  return {std::error_code(-result, std::generic_category()), std::move(operation)};
}

/// Until the bus has answered hello: it closes connections that have not come that far within seconds. Not
/// left to the first call: sd-bus then waits 90 s for a bus that accepts connections and says nothing.
int wait_until_ready(sd_bus* bus) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + kConnectLimit;
  for (;;) {
    int result = sd_bus_is_ready(bus);
    if (result != 0) return result;
    result = sd_bus_process(bus, nullptr);
    if (result < 0) return result;
    if (result > 0) continue;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - steady_clock::now());
    if (left.count() <= 0) return -ETIMEDOUT;
    result = sd_bus_wait(bus, static_cast<std::uint64_t>(left.count()));
    if (result < 0 && result != -EINTR) return result;
  }
}

Result<Bus> connect_to(const std::string& path, bool monitor) {
  // Not by trying: where there is no bus, that would be one more connect that fails.
  if (access(path.c_str(), F_OK) != 0) return last_error("look for the system bus at " + path);
  sd_bus* raw = nullptr;
  int result = sd_bus_new(&raw);
  Bus bus(raw, sd_bus_close_unref);
  if (result >= 0) result = sd_bus_set_address(raw, ("unix:path=" + path).c_str());
  if (result >= 0) result = sd_bus_set_bus_client(raw, 1);
  if (result >= 0) result = sd_bus_set_monitor(raw, monitor ? 1 : 0);
  if (result >= 0) result = sd_bus_set_method_call_timeout(raw, std::chrono::microseconds(kLimit).count());
  if (result >= 0) result = sd_bus_start(raw);
  if (result >= 0) result = wait_until_ready(raw);
  if (result < 0) return bus_error(result, "connect to the system bus at " + path);
  return bus;
}

/// From here on the connection is sent what the rule describes, and can send nothing.
Result<bool> become_monitor(sd_bus* bus) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_call(bus, &raw, kBusName, kBusPath,
                                              "org.freedesktop.DBus.Monitoring", "BecomeMonitor");
  const Message request(raw, sd_bus_message_unref);
  const std::string rule = fmt::format("type='method_call',interface='{}'", kInterface);
  if (result >= 0) result = sd_bus_message_append(raw, "asu", 1, rule.c_str(), 0U);
  if (result >= 0) result = sd_bus_call(bus, raw, 0, nullptr, nullptr);
  if (result < 0) return bus_error(result, "watch the system bus");
  return true;
}

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : text;
}

bool sets_name(const std::string& method) {
  return method == "SetHostname" || method == "SetStaticHostname";
}

/// A number that the bus knows of one of its clients. 0: it has gone.
std::uint32_t ask_number(sd_bus* bus, const char* method, const std::string& client) {
  sd_bus_message* raw = nullptr;
  std::uint32_t number = 0;
  const int result =
      sd_bus_call_method(bus, kBusName, kBusPath, kBusName, method, nullptr, &raw, "s", client.c_str());
  const Message reply(raw, sd_bus_message_unref);
  if (result < 0 || sd_bus_message_read(raw, "u", &number) < 0) return 0;
  return number;
}

std::string comm_of(std::uint32_t pid) {
  auto comm = read_file(fmt::format("/proc/{}/comm", pid), 64);
  if (!comm) return "";
  if (comm->ends_with('\n')) comm->pop_back();
  return std::move(*comm);
}

}  // namespace

/// One that is sent messages, and one to ask whose they are.
struct BusWatch::Connections {
  Bus monitor, questions;

  static Result<std::unique_ptr<Connections>> open(const std::string& socket) {
    auto monitor = connect_to(socket, true);
    if (!monitor) return monitor.error();
    auto questions = connect_to(socket, false);
    if (!questions) return questions.error();
    const auto may = become_monitor(monitor->get());
    if (!may) return may.error();
    return std::make_unique<Connections>(Connections{std::move(*monitor), std::move(*questions)});
  }

  std::optional<HostnameRequest> request_in(sd_bus_message* message, const Clock& clock) const {
    HostnameRequest request{.time = clock.monotonic(), .method = text_of(sd_bus_message_get_member(message))};
    const char* name = nullptr;
    if (text_of(sd_bus_message_get_interface(message)) != kInterface || !sets_name(request.method) ||
        sd_bus_message_read(message, "s", &name) <= 0)
      return std::nullopt;
    request.name = text_of(name);
    const std::string sender = text_of(sd_bus_message_get_sender(message));
    request.pid = ask_number(questions.get(), "GetConnectionUnixProcessID", sender);
    request.uid = ask_number(questions.get(), "GetConnectionUnixUser", sender);
    if (request.pid != 0) request.comm = comm_of(request.pid);
    return request;
  }

  /// Takes all messages that are there. False: the connection is broken.
  bool take_all(RequestLog& log, const Clock& clock) const {
    for (;;) {
      sd_bus_message* raw = nullptr;
      const int result = sd_bus_process(monitor.get(), &raw);
      const Message message(raw, sd_bus_message_unref);
      if (result < 0) return false;
      if (result == 0) break;
      if (raw == nullptr) continue;
      if (sd_bus_message_is_signal(raw, "org.freedesktop.DBus.Local", "Disconnected") > 0) return false;
      if (!log.look_ups().may_begin()) continue;
      const CpuBudget::Use use(log.look_ups(), clock);
      if (auto request = request_in(raw, clock)) log.add(std::move(*request));
    }
    // What the bus tells every client; nobody asked for it, and it would pile up.
    while (sd_bus_process(questions.get(), nullptr) > 0) {
    }
    return sd_bus_is_open(questions.get()) > 0;
  }
};

Result<bool> try_bus(const std::string& socket) {
  const auto connections = connect_to(socket, true);
  if (!connections) return connections.error();
  return become_monitor(connections->get());
}

std::string bus_obstacle_text(const Error& error) {
  if (error.code == std::errc::permission_denied || error.code == std::errc::operation_not_permitted)
    return error.text() + "; only uid 0 may watch the system bus";
  return error.text();
}

BusWatch::BusWatch(std::string socket, const Clock& clock)
    : socket_(std::move(socket)), log_(clock), clock_(clock) {
  if (socket_.empty()) {
    obstacle_ = "host.system_bus is off";
    return;
  }
  auto opened = Connections::open(socket_);
  if (opened) {
    bus_ = std::move(*opened);
  } else if (opened.error().code == std::errc::timed_out) {
    lost_ = true;
    log_warn("{}: who asks systemd-hostnamed for a host name is not seen until it answers",
             opened.error().text());
  } else if (opened.error().code != std::errc::no_such_file_or_directory) {
    obstacle_ = bus_obstacle_text(opened.error());
  }
}

BusWatch::~BusWatch() = default;

void BusWatch::start(std::atomic<bool>& seen) {
  seen = complete();
  if (!obstacle_.empty() || thread_.joinable()) return;
  wake_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  thread_ = std::jthread([this, &seen](const std::stop_token& stop) { watch(stop, seen); });
}

void BusWatch::connect_again() {
  auto opened = Connections::open(socket_);
  if (opened) {
    bus_ = std::move(*opened);
    log_info("the system bus is there");
  }
  // Where its socket has gone, too, there is none that could carry a request.
  lost_ = !opened && opened.error().code != std::errc::no_such_file_or_directory;
}

void BusWatch::watch(const std::stop_token& stop, std::atomic<bool>& seen) {
  const std::stop_callback wake(stop, [this] { eventfd_write(wake_.get(), 1); });
  while (!stop.stop_requested()) {
    if (bus_ && !bus_->take_all(log_, clock_)) {
      log_warn("the system bus has ended: who asks systemd-hostnamed for a host name is not seen meanwhile");
      bus_.reset();
      lost_ = true;
    }
    seen = complete();
    std::array<pollfd, 2> ready = {
        {{.fd = wake_.get(), .events = POLLIN, .revents = 0}, {.fd = -1, .events = POLLIN, .revents = 0}}};
    if (bus_) ready[1].fd = sd_bus_get_fd(bus_->monitor.get());
    const int patience = bus_ ? -1 : static_cast<int>(std::chrono::milliseconds(kAgain).count());
    if (poll(ready.data(), ready.size(), patience) < 0 && errno != EINTR) return;
    if (bus_ || stop.stop_requested()) continue;
    connect_again();
  }
}

}  // namespace sockward
