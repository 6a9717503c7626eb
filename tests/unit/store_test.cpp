// The record store: what is kept, for how long, and what becomes of a file that cannot be used.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/latest_records.hpp"
#include "store/record_store.hpp"
#include "store/store_reader.hpp"
#include "store/store_sink.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kStart = 1'700'000'000'000'000'000, kSecond = 1'000'000'000;

/// The records below are years old.
constexpr StoreLimits kForEver{.longest = std::chrono::hours(24 * 365 * 100)};

Record failed(const std::string& comm, std::uint32_t uid, std::int64_t time_ns,
              const std::string& path = "/run/app/x") {
  Record record{.event = path_bind(EADDRINUSE, path),
                .time = {time_ns},
                .resource = {},
                .context = {},
                .diagnosis = {}};
  record.event.actor.comm = comm;
  record.event.actor.uid = uid;
  record.diagnosis.cause = Cause::address_in_use;
  return record;
}

StoredRecord row(const std::string& comm, std::uint32_t uid, std::int64_t time_ns) {
  return stored_record(failed(comm, uid, time_ns), CommandArgs::off);
}

class Store : public ::testing::Test {
 protected:
  Store() { std::filesystem::create_directory(folder); }
  ~Store() override { std::filesystem::remove_all(folder); }

  RecordStore open(StoreLimits limits = {}) {
    auto store = RecordStore::open(path, limits, stats);
    if (!store) throw std::runtime_error(store.error().text());
    return std::move(*store);
  }
  Answer ask(Query query) const {
    auto answer = StoreReader(path).answer(query);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().text());
    return answer ? std::move(*answer) : Answer();
  }
  std::vector<std::string> set_aside(const std::string& why) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().filename().string().starts_with("records.db." + why)) found.push_back(entry.path());
    return found;
  }

  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("sockward-store-{}", getpid());
  const std::string path = folder + "/records.db";
  StoreStats stats;
};

TEST(StoredRecord, HasItsColumnsFromTheAttributes) {
  Record record = failed("nginx", 33, kStart);
  record.context.container =
      ContainerIdentity{.runtime = "docker", .id = std::string(64, 'a'), .name = {}, .pod_uid = {}};
  record.repeats = 4;
  const StoredRecord kept = stored_record(record, CommandArgs::off);
  EXPECT_EQ(kept.cause, "address_in_use");
  EXPECT_EQ(kept.uid, 33U);
  EXPECT_EQ(kept.pid, 4121U);
  EXPECT_EQ(kept.comm, "nginx");
  EXPECT_EQ(kept.container, std::string(12, 'a'));
  EXPECT_EQ(kept.address, "/run/app/x");
  EXPECT_EQ(kept.repeats, 4U);
  EXPECT_EQ(kept.time_ns, kStart);
  EXPECT_TRUE(kept.json.starts_with("{\"timestamp\":"));
  record.event.actor.tgid = 9;
  EXPECT_EQ(stored_record(record, CommandArgs::off).group, kept.group)
      << "another process of the same program";
  record.event.actor.comm = "caddy";
  EXPECT_NE(stored_record(record, CommandArgs::off).group, kept.group);
}

TEST_F(Store, GroupsWhatFailsForOneReasonNewestFirst) {
  RecordStore store = open();
  StoredRecord repeated = row("nginx", 33, kStart + 2 * kSecond);
  repeated.repeats = 5;
  ASSERT_TRUE(store.add(std::vector{row("nginx", 33, kStart), row("caddy", 34, kStart + kSecond), repeated}));
  const Answer answer = ask({.subject = {}, .viewer = {}});
  ASSERT_THAT(answer.groups, SizeIs(2));
  EXPECT_EQ(answer.groups[0].newest.comm, "nginx");
  EXPECT_EQ(answer.groups[0].count, 7U) << "two records, and five repeats";
  EXPECT_EQ(answer.groups[0].first_ns, kStart);
  EXPECT_EQ(answer.groups[0].last_ns, kStart + 2 * kSecond);
  EXPECT_EQ(answer.groups[1].newest.comm, "caddy");
  EXPECT_FALSE(answer.cut);
}

TEST_F(Store, AnswersOnlyWhatIsAskedFor) {
  RecordStore store = open();
  ASSERT_TRUE(store.add(std::vector{row("nginx", 33, kStart), row("caddy", 34, kStart + kSecond)}));
  const auto comms = [&](const Query& query) {
    std::vector<std::string> found;
    for (const auto& group : ask(query).groups) found.push_back(group.newest.comm);
    return found;
  };
  EXPECT_THAT(comms({.subject = "nginx", .viewer = {}}), ElementsAre("nginx"));
  EXPECT_THAT(comms({.subject = "4121", .viewer = {}}), ElementsAre("caddy", "nginx"));
  EXPECT_THAT(comms({.subject = "unix:/run/app/x", .viewer = {}}), ElementsAre("caddy", "nginx"));
  EXPECT_THAT(comms({.subject = "/run/app/y", .viewer = {}}), IsEmpty());
  EXPECT_THAT(comms({.subject = {}, .since_ns = kStart + 1, .viewer = {}}), ElementsAre("caddy"));
  EXPECT_THAT(comms({.subject = {}, .after_ns = kStart + kSecond, .viewer = {}}), IsEmpty());
  EXPECT_THAT(comms({.subject = {}, .viewer = 33}), ElementsAre("nginx"));
  EXPECT_THAT(comms({.subject = "caddy", .viewer = 33}), IsEmpty()) << "another user's";
  EXPECT_THAT(comms({.subject = "4121", .viewer = 34}), ElementsAre("caddy"));
  EXPECT_THAT(comms({.subject = {}, .viewer = 35}), IsEmpty());
  EXPECT_THAT(ask({.subject = {}, .names = true, .viewer = {}}).names, ElementsAre("caddy", "nginx"));
  EXPECT_THAT(ask({.subject = {}, .names = true, .viewer = 34}).names, ElementsAre("caddy"));
}

/// Every combination of user, subject, cause and time finds what a look at each record finds.
TEST_F(Store, AnswersAnyCombination) {
  RecordStore store = open();
  std::vector<StoredRecord> all;
  for (unsigned i = 0; i < 60; ++i) {
    Record record = failed(i % 3 == 0 ? "nginx" : "caddy", 30 + i % 4, kStart + i * kSecond);
    record.diagnosis.cause = i % 5 == 0 ? Cause::stale_socket : Cause::address_in_use;
    all.push_back(stored_record(record, CommandArgs::off));
  }
  ASSERT_TRUE(store.add(all));
  for (const char* subject : {"", "nginx", "4121", "/run/app/x", "/run/app/y"})
    for (const char* cause : {"", "stale_socket"})
      for (const std::optional<std::uint32_t> viewer : {std::optional<std::uint32_t>(), {31U}, {99U}})
        for (const std::int64_t until : {std::int64_t{0}, kStart + 40 * kSecond}) {
          std::uint64_t expected = 0;
          for (const StoredRecord& one : all)
            expected += (!viewer || one.uid == *viewer) && (*cause == '\0' || one.cause == cause) &&
                        one.time_ns >= kStart + 7 * kSecond && (until == 0 || one.time_ns <= until) &&
                        (*subject == '\0' || std::string(subject) == "4121" || one.comm == subject ||
                         one.address == subject);
          std::uint64_t found = 0;
          for (const auto& group : ask({.subject = subject,
                                   .cause = cause,
                                   .since_ns = kStart + 7 * kSecond,
                                   .until_ns = until,
                                   .viewer = viewer})
                                       .groups)
            found += group.count;
          EXPECT_EQ(found, expected) << subject << ' ' << cause << ' ' << viewer.value_or(0) << ' ' << until;
        }
}

TEST_F(Store, KeepsRecordsOfTheSameNanosecond) {
  RecordStore store = open();
  ASSERT_TRUE(store.add(std::vector{row("a", 1, kStart), row("a", 1, kStart), row("a", 1, kStart)}));
  EXPECT_EQ(ask({.subject = {}, .viewer = {}}).groups.at(0).count, 3U);
}

TEST_F(Store, StaysUnderItsSizeAndSaysWhatItRemoved) {
  constexpr std::uint64_t kCap = 8 << 20;
  RecordStore store = open({.largest_bytes = kCap});
  std::vector<StoredRecord> batch;
  constexpr int kBatches = 80, kEach = 200;
  std::int64_t time = kStart;
  for (int i = 0; i < kBatches; ++i) {
    batch.clear();
    for (int j = 0; j < kEach; ++j) batch.push_back(row("nginx", 33, time += kSecond));
    ASSERT_TRUE(store.add(batch));
    ASSERT_TRUE(store.prune({time}));
    ASSERT_LE(stats.bytes, kCap);
  }
  EXPECT_GT(stats.removed_size, 0U);
  const Answer answer = ask({.subject = {}, .viewer = {}});
  EXPECT_EQ(answer.newest_ns, time) << "the newest stay";
  EXPECT_EQ(answer.groups.at(0).count, kBatches * kEach - stats.removed_size);
  EXPECT_EQ(stats.oldest_ns, answer.groups.at(0).first_ns);
}

TEST_F(Store, GivesSpaceBackWhenItsCapIsLowered) {
  std::vector<StoredRecord> batch;
  for (int j = 0; j < 8000; ++j) batch.push_back(row("nginx", 33, kStart + j));
  {
    RecordStore store = open({.largest_bytes = 64 << 20});
    ASSERT_TRUE(store.add(batch));
    ASSERT_TRUE(store.prune({kStart}));
    ASSERT_GT(stats.bytes, 8U << 20);
  }
  RecordStore store = open({.largest_bytes = 8 << 20});
  for (int i = 0; i < 100 && (i == 0 || stats.bytes > 8U << 20); ++i) {
    ASSERT_TRUE(store.prune({kStart}));
    store.shrink_log();
  }
  ASSERT_TRUE(store.prune({kStart}));
  EXPECT_LE(stats.bytes, 8U << 20);
}

TEST_F(Store, ForgetsWhatIsTooOld) {
  RecordStore store = open({.longest = std::chrono::seconds(60)});
  ASSERT_TRUE(store.add(std::vector{row("old", 1, kStart), row("new", 1, kStart + 100 * kSecond)}));
  ASSERT_TRUE(store.prune({kStart + 110 * kSecond}));
  EXPECT_EQ(stats.removed_age, 1U);
  EXPECT_THAT(ask({.subject = {}, .viewer = {}}).groups, SizeIs(1));
}

TEST_F(Store, SetsADamagedFileAside) {
  {
    RecordStore store = open();
    std::vector<StoredRecord> batch;
    for (int j = 0; j < 500; ++j) batch.push_back(row("nginx", 33, kStart + j));
    ASSERT_TRUE(store.add(batch));
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 3);
  file << std::string(4096 * 20, '\x5a');
  file.close();
  RecordStore store = open();
  EXPECT_EQ(stats.set_aside_damaged, 1U);
  EXPECT_THAT(set_aside("damaged-"), SizeIs(1));
  ASSERT_TRUE(store.add(std::vector{row("caddy", 1, kStart)}));
  EXPECT_THAT(ask({.subject = {}, .viewer = {}}).groups, SizeIs(1));
}

TEST_F(Store, SetsAsideWhatIsNoDatabaseAndWhatIsNewer) {
  std::ofstream(path) << std::string(100'000, 'x');
  { const RecordStore store = open(); }
  EXPECT_EQ(stats.set_aside_damaged, 1U);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version=7", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  EXPECT_FALSE(StoreReader(path).answer({.subject = {}, .viewer = {}})) << "a reader does not guess";
  { const RecordStore store = open(); }
  EXPECT_EQ(stats.set_aside_newer, 1U);
  EXPECT_THAT(set_aside("newer-"), SizeIs(1));
}

TEST_F(Store, IsWrittenBesideTheOneWhoHandsRecordsOn) {
  {
    StoreSink sink({.path = path, .limits = kForEver}, stats);
    for (int i = 0; i < 1000; ++i) sink.write(failed("nginx", 33, kStart + i));
  }
  EXPECT_EQ(stats.written + stats.dropped_queue_full, 1000U);
  EXPECT_EQ(ask({.subject = {}, .viewer = {}}).groups.at(0).count, stats.written);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U) << "everybody's records";
}

TEST_F(Store, CountsWhatDoesNotFitIntoTheQueue) {
  {
    StoreSink sink({.path = path, .limits = kForEver, .queued = 10}, stats);
    for (int i = 0; i < 3000; ++i) sink.write(failed("nginx", 33, kStart + i));
  }
  EXPECT_GT(stats.dropped_queue_full, 0U);
  EXPECT_EQ(stats.written + stats.dropped_queue_full, 3000U);
}

TEST_F(Store, IsMadeAgainWhenSomebodyRemovedIt) {
  StoreSink sink({.path = path, .limits = kForEver, .between_commits = std::chrono::milliseconds(0)}, stats);
  const auto store_one = [&](std::int64_t time) {
    const std::uint64_t before = stats.written;
    sink.write(failed("nginx", 33, time));
    for (int i = 0; i < 500 && stats.written == before; ++i) usleep(10'000);
  };
  store_one(kStart);
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path + part);
  store_one(kStart + 1);
  EXPECT_EQ(ask({.subject = {}, .viewer = {}}).newest_ns, kStart + 1);
}

TEST_F(Store, IsCheckedWhenAReaderMeetsADamage) {
  StoreSink sink({.path = path, .limits = kForEver, .between_commits = std::chrono::milliseconds(0)}, stats);
  for (int i = 0; i < 500; ++i) sink.write(failed("nginx", 33, kStart + i));
  for (int i = 0; i < 500 && stats.written < 500; ++i) usleep(10'000);
  ASSERT_TRUE(Database::open(path, Database::Access::read_write)->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(4096 * 20, '\x5a');
  file.close();
  const auto answer = StoreReader(path).answer({.subject = {}, .viewer = {}});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(is_damage(answer.error())) << answer.error().text();
  sink.check_again();
  for (int i = 0; i < 500 && stats.set_aside_damaged == 0; ++i) usleep(10'000);
  EXPECT_EQ(stats.set_aside_damaged, 1U);
}

TEST(LatestRecords, AnswerAsTheStoreDoes) {
  LatestRecords latest(CommandArgs::off);
  for (std::size_t i = 0; i < LatestRecords::kKept + 5; ++i) latest.write(failed("nginx", 33, kStart));
  latest.write(failed("caddy", 34, kStart + kSecond));
  const auto all = latest.answer({.subject = {}, .viewer = {}});
  ASSERT_THAT(all->groups, SizeIs(2));
  EXPECT_EQ(all->groups[0].newest.comm, "caddy");
  EXPECT_EQ(all->groups[1].count, LatestRecords::kKept - 1) << "the latest are kept";
  EXPECT_THAT(latest.answer({.subject = "nginx", .viewer = 34})->groups, IsEmpty());
  EXPECT_THAT(latest.answer({.subject = {}, .names = true, .viewer = 33})->names, ElementsAre("nginx"));
}

TEST(Grouping, IsCutAtTheLimit) {
  std::vector<MatchingRecord> records;
  for (std::int64_t i = 1; i <= 5; ++i) records.push_back({.time_ns = i, .group = i, .repeats = 0});
  const Answer answer = group_records(records, 3);
  ASSERT_THAT(answer.groups, SizeIs(3));
  EXPECT_EQ(answer.groups[0].last_ns, 5);
  EXPECT_TRUE(answer.cut);
  EXPECT_FALSE(group_records(records, 5).cut);
}

}  // namespace
}  // namespace sockward::test
