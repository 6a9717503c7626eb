// Which socket unit of systemd has an address.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include <atomic>
#include <mutex>
#include <string_view>
#include <thread>

#include "host/units/systemd_sockets.hpp"
#include "support/builders.hpp"
#include "support/fixtures.hpp"
#include "support/temporary_directory.hpp"

namespace sockward::test {
namespace {

SocketCall call_of(const Event& event, int type = SOCK_STREAM) {
  SocketCall call = std::get<SocketCall>(event.call);
  call.type = static_cast<std::uint16_t>(type);
  return call;
}

TEST(SocketUnitAddress, IsComparedAsSystemdPrintsIt) {
  const auto listens = [](const char* address, const char* kind = "Stream") {
    return UnitAddress{.unit = "x.socket", .kind = kind, .address = address};
  };
  const SocketCall inet = call_of(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080)));
  EXPECT_TRUE(is_address_of(listens("127.0.0.1:8080"), inet));
  EXPECT_TRUE(is_address_of(listens("0.0.0.0:8080"), inet));
  EXPECT_TRUE(is_address_of(listens("[::]:8080"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.2:8080"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.1:8081"), inet));
  EXPECT_FALSE(is_address_of(listens("127.0.0.1:8080", "Datagram"), inet));
  for (const char* text : {"", ":", "[", "8080", "127.0.0.1:", "127.0.0.1:x", "/run/x:8080"})
    EXPECT_FALSE(is_address_of(listens(text), inet)) << text;
  EXPECT_TRUE(
      is_address_of(listens("127.0.0.1:8080"), call_of(inet_bind(EADDRINUSE, tcp4("0.0.0.0", 8080)))));
  const SocketCall path = call_of(unix_call(Syscall::bind, EADDRINUSE, "/run/x.sock", 14));
  EXPECT_TRUE(is_address_of(listens("/run/x.sock"), path));
  EXPECT_FALSE(is_address_of(listens("/run/x.soc"), path));
}

TEST(SystemdSockets, SayThatThereIsNoSystemd) {
  const SystemdSockets none("/nonexistent/private");
  const auto unit = none.socket_unit(call_of(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 8080))));
  ASSERT_FALSE(unit);
  EXPECT_EQ(unit.error().code, std::errc::no_such_file_or_directory);
}

/// systemd's manager on its private socket, with one socket unit. It can take its time, as systemd does.
class FakeSystemd {
 public:
  explicit FakeSystemd(std::string path) : path_(std::move(path)), listener_(listen_at(path_)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeSystemd() {
    ended_ = true;
    thread_.join();
    close(listener_);
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  void listen_on(std::string address) {
    const std::lock_guard lock(mutex_);
    address_ = std::move(address);
  }
  void take(std::chrono::milliseconds time) { takes_ms_ = time.count(); }
  int asked() const { return asked_; }

 private:
  static int listen_at(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << strerror(errno);
    EXPECT_EQ(listen(fd, 8), 0);
    return fd;
  }

  void serve() {
    while (!ended_) {
      pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 10) == 1) talk(accept(listener_, nullptr, nullptr));
    }
  }

  void talk(int fd) {
    sd_bus* bus = nullptr;
    ASSERT_GE(sd_bus_new(&bus), 0);
    ASSERT_GE(sd_bus_set_fd(bus, fd, fd), 0);
    ASSERT_GE(sd_bus_set_server(bus, 1, {}), 0);
    ASSERT_GE(sd_bus_add_filter(bus, nullptr, &FakeSystemd::answer, this), 0);
    ASSERT_GE(sd_bus_start(bus), 0);
    int result = 0;
    while (!ended_ && result >= 0 && sd_bus_is_open(bus) > 0) {
      result = sd_bus_process(bus, nullptr);
      if (result == 0) result = sd_bus_wait(bus, 10'000);
    }
    sd_bus_close_unref(bus);
  }

  static int answer(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
    auto& systemd = *static_cast<FakeSystemd*>(self);
    const std::lock_guard lock(systemd.mutex_);
    if (sd_bus_message_is_method_call(call, nullptr, "ListUnitsByPatterns") > 0) {
      ++systemd.asked_;
      for (long ms = 0; ms < systemd.takes_ms_ && !systemd.ended_; ms += 20)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return sd_bus_reply_method_return(call, "a(ssssssouso)", 1, "held.socket", "", "loaded", "active",
                                        "listening", "", "/unit", 0, "", "/");
    }
    if (sd_bus_message_is_method_call(call, nullptr, "Get") > 0)
      return sd_bus_reply_method_return(call, "v", "a(ss)", 1, "Stream", systemd.address_.c_str());
    return 0;
  }

  const std::string path_;
  const int listener_;
  std::atomic<bool> ended_{false};
  std::atomic<int> asked_{0};
  std::atomic<long> takes_ms_{0};
  std::mutex mutex_;
  std::string address_ = "127.0.0.1:7070";
  std::thread thread_;
};

struct AskedSystemd : ::testing::Test {
  const TemporaryDirectory directory;
  FakeSystemd systemd{directory.path() + "/private"};
  const SystemdSockets sockets{directory.path() + "/private"};
  const SocketCall call = call_of(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 7070)));
};

TEST_F(AskedSystemd, NamesTheUnitAndIsNotAskedAgainSoon) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sockets.socket_unit(call).value(), "held.socket");
  EXPECT_EQ(systemd.asked(), 1);
}

// When a unit fails, systemd is at work: 200 ms were not enough for it in an emulated machine.
TEST_F(AskedSystemd, MayTakeItsTime) {
  systemd.take(std::chrono::milliseconds(400));
  EXPECT_EQ(sockets.socket_unit(call).value(), "held.socket");
}

TEST_F(AskedSystemd, IsAskedAgainForAUnitThatBeganToListenMeanwhile) {
  systemd.listen_on("127.0.0.1:1");
  EXPECT_FALSE(sockets.socket_unit(call));
  systemd.listen_on("127.0.0.1:7070");
  EXPECT_FALSE(sockets.socket_unit(call)) << "many failures in a row must not become many questions";
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_EQ(sockets.socket_unit(call).value(), "held.socket");
  EXPECT_EQ(systemd.asked(), 2);
}

TEST_F(AskedSystemd, IsLeftAloneForAWhileWhenItDoesNotAnswer) {
  systemd.take(std::chrono::seconds(60));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(sockets.socket_unit(call));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1900));
  EXPECT_EQ(systemd.asked(), 1);
}

}  // namespace
}  // namespace sockward::test
