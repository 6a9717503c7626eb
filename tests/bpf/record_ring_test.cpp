#include <thread>

#include "bpf/kernel_fixture.hpp"

namespace sockward::test {
namespace {

using std::chrono::steady_clock;

/// Each record that it is given makes another one: the ring buffer is never read to its end.
class Endless final : public RecordHandler {
 public:
  void on_record(std::span<const std::byte>) noexcept override {
    ++records;
    if (steady_clock::now() < until_) (void)bind(-1, nullptr, 0);
  }
  std::uint64_t records = 0;

 private:
  const steady_clock::time_point until_ = steady_clock::now() + std::chrono::seconds(10);
};

TEST_F(Kernel, AStormThatDoesNotEndDoesNotKeepTheReaderFromEnding) {
  Endless storm;
  RecordRing ring(kernel->probes().take_rings(), storm);
  const auto began = steady_clock::now();
  const std::jthread waker([&ring] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ring.wake();
  });
  (void)bind(-1, nullptr, 0);
  EXPECT_TRUE(ring.poll(std::chrono::milliseconds(1000)));
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_GT(storm.records, 1u);
}

}  // namespace
}  // namespace sockward::test
