// What the numbers of records tell the next agent.
#include <gtest/gtest.h>
#include <sockward/counters.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "probe/record_ledger.hpp"

namespace sockward::test {
namespace {

constexpr std::uint16_t kProbe = 4, kCpu = 1;
constexpr std::uint32_t kBlocks = 3;

/// Memory that outlives the ledgers, like the pinned map.
class Ledger : public ::testing::Test {
 protected:
  Ledger() : memory(memfd_create("settled", MFD_CLOEXEC)) { EXPECT_EQ(ftruncate(memory.get(), 1 << 16), 0); }
  /// The next agent; `given`: the number the kernel has come to.
  RecordLedger& start(std::uint64_t given) {
    std::vector<std::uint64_t> numbers(kBlocks * SOCKWARD_PROBES);
    numbers[kCpu * SOCKWARD_PROBES + kProbe] = given;
    ledger = std::make_unique<RecordLedger>(memory.get(), kBlocks, std::move(numbers));
    return *ledger;
  }
  bool admit(std::uint64_t sequence) { return ledger->admit({sequence, kCpu, kProbe}); }
  void write(std::initializer_list<std::uint64_t> sequences, Losses losses = {}) {
    for (const std::uint64_t sequence : sequences) ledger->handled({sequence, kCpu, kProbe});
    ledger->publish(losses);
  }

  FileDescriptor memory;
  std::unique_ptr<RecordLedger> ledger;
};

TEST_F(Ledger, NothingIsLostAndNothingWrittenTwiceWhenItAllWasWritten) {
  start(0);
  for (const std::uint64_t sequence : {1, 2, 3}) EXPECT_TRUE(admit(sequence));
  ledger->drained();
  write({1, 2, 3});
  start(3);
  EXPECT_FALSE(admit(3)) << "the previous agent died between writing it and leaving it behind";
  ledger->drained();
  EXPECT_TRUE(admit(4));
  EXPECT_EQ(ledger->lost(), 0u);
}

TEST_F(Ledger, WhatWasTakenAndNotWrittenIsLost) {
  start(0);
  for (const std::uint64_t sequence : {1, 2, 3, 4, 5}) admit(sequence);
  ledger->drained();
  write({1, 2});
  start(9);
  EXPECT_TRUE(admit(8));  // 3 to 5 were taken, 6 and 7 too
  EXPECT_TRUE(admit(9));
  EXPECT_EQ(ledger->lost(), 5u) << "told by the first record behind them";
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 5u);
  write({8, 9});
  start(9);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 5u) << "of all agents so far, and counted once";
}

TEST_F(Ledger, TheLastOnesAreLostEvenIfNoneComesAfterThem) {
  start(0);
  admit(1);
  ledger->drained();
  write({1});
  start(6);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 5u);
  ledger->publish({});
  start(6);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 5u);
  EXPECT_TRUE(admit(7));
}

TEST_F(Ledger, WhatAFullQueueDroppedIsNotLostAgain) {
  start(0);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) admit(sequence);
  ledger->drained();
  // 4 to 6 and 9 found no room: known when 3 is written, and done with when 7 and 10 are.
  write({1, 2, 3}, {.queue_full = 4});
  start(10);
  ledger->drained();
  EXPECT_EQ(ledger->previous_losses().queue_full, 4u);
  EXPECT_EQ(ledger->lost(), 3u) << "7, 8 and 10";
}

TEST_F(Ledger, DropsThatAreDoneWithAreNotSubtractedFromLaterLosses) {
  start(0);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) admit(sequence);
  ledger->drained();
  write({1, 2, 3}, {.queue_full = 3});
  write({7}, {.queue_full = 3});  // 4 to 6 were dropped
  start(10);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 3u) << "8 to 10";
}

TEST_F(Ledger, AnAgentThatDiesBeforeItHasCaughtUpLosesNoCount) {
  start(0);
  for (const std::uint64_t sequence : {1, 2, 3, 4, 5}) admit(sequence);
  write({1, 2});
  start(20);  // 3 to 5 are lost; the ring is never empty, so drained() is never reached
  for (std::uint64_t sequence = 6; sequence <= 15; ++sequence) admit(sequence);
  write({6, 7});
  start(20);  // 8 to 15 are lost, too
  admit(16);
  EXPECT_EQ(ledger->lost(), 3u + 8u);
  ledger->publish({});  // nothing behind the gap was handled: the next one finds it again
  start(20);
  admit(17);
  EXPECT_EQ(ledger->lost(), 3u + 9u);
}

TEST_F(Ledger, RecordsAtTheEndThatFoundNoRoomAreDropsAndTheGapBehindThemIsLost) {
  start(0);
  for (const std::uint64_t sequence : {1, 2, 3}) admit(sequence);
  write({1});
  start(3);  // 2 and 3 were taken
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 2u);
  admit(4);
  admit(5);  // 4 found no room, 5 did
  write({5}, {.queue_full = 1});
  start(5);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 2u);
  EXPECT_EQ(ledger->previous_losses().queue_full, 1u);
}

TEST_F(Ledger, FoldedRecordsThatNoRecordTellsOfAnyMoreAreLost) {
  start(0);
  admit(1);
  admit(2);
  ledger->drained();
  ledger->folded(1);
  write({1, 2});
  start(2);
  ledger->drained();
  EXPECT_EQ(ledger->lost(), 1u);
  ledger->folded(1);
  ledger->folded(-1);
  ledger->publish({});
  start(2);
  EXPECT_EQ(ledger->lost(), 1u);
}

TEST_F(Ledger, NumbersOfUnknownProbesAndCpusDoNoHarm) {
  start(0);
  EXPECT_TRUE(ledger->admit({7, 60000, kProbe}));
  EXPECT_TRUE(ledger->admit({7, kCpu, 60000}));
  ledger->handled({7, 60000, kProbe});
  ledger->publish({});
}

}  // namespace
}  // namespace sockward::test
