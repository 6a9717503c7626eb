// A system bus that accepts connections and says nothing, as one that is stopped or overloaded.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host/bus/bus_watch.hpp"
#include "support/temporary_directory.hpp"

namespace sockward::test {
namespace {

class SilentBus : public ::testing::Test {
 protected:
  SilentBus() : listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener.get(), 8), 0);
  }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }

  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/bus";
  /// Closed at the end of a test: whoever still waits for it gives up.
  FileDescriptor listener;
  const SystemClock clock;
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

TEST_F(SilentBus, HoldsUpNeitherTheStartNorTheEnd) {
  std::atomic<bool> seen = true;
  {
    BusWatch watch(path, clock);
    EXPECT_LT(seconds(), 5);
    EXPECT_EQ(watch.obstacle(), "") << "it is tried again";
    EXPECT_FALSE(watch.complete());
    watch.start(seen);
    EXPECT_FALSE(seen);
  }
  EXPECT_LT(seconds(), 5);
}

TEST_F(SilentBus, IsSaidByACheck) {
  const auto watched = try_bus(path);
  EXPECT_LT(seconds(), 5);
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, std::errc::timed_out);
  EXPECT_NE(watched.error().text().find(path), std::string::npos) << watched.error().text();
}

TEST_F(SilentBus, WhereThereIsNoneIsNoObstacle) {
  const BusWatch watch(directory.path() + "/none", clock);
  EXPECT_TRUE(watch.complete());
}

}  // namespace
}  // namespace sockward::test
