#include "pipeline/pipeline.hpp"

#include <thread>

#include "bpf/kernel_fixture.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using std::chrono::milliseconds;

/// Each record takes a while, as on a node where looks are slow.
class SlowHost final : public FakeHost {
 public:
  Result<std::string> executable(ProcessId process) const override {
    std::this_thread::sleep_for(milliseconds(20));
    return FakeHost::executable(process);
  }
};

struct Written {
  std::atomic<int> records{0}, flushed{0};
};

class CountingSink final : public Sink {
 public:
  explicit CountingSink(Written& written) : written_(written) {}
  bool write(const Record&) override {
    ++written_.records;
    return true;
  }
  std::uint64_t flush() override {
    written_.flushed = written_.records.load();
    return 0;
  }

 private:
  Written& written_;
};

TEST_F(Kernel, RecordsLeaveTheAgentSoonAlsoWhenTheNextOnesWait) {
  const SlowHost host;
  ContainerDirectory containers(kernel->mounts(), host);
  const SystemClock clock;
  AgentStats stats;
  DiagnosisCounts diagnoses(1);
  Written written;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<CountingSink>(written));
  for (int i = 0; i < 100; ++i) (void)bind(-1, nullptr, 0);  // two seconds of work
  {
    const Pipeline pipeline(kernel->probes().take_rings(), {host, host, containers, clock, stats, diagnoses},
                            {}, std::move(sinks));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (written.flushed == 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(milliseconds(5));
    EXPECT_GT(written.flushed, 0);
    EXPECT_LT(written.flushed, 90) << "before the last of them was handled";
  }
  EXPECT_EQ(written.flushed, written.records) << "the rest at the end";
}

}  // namespace
}  // namespace sockward::test
