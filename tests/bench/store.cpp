// store NUMBER: what the record store costs, and how long questions to so many records take.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "store/record_store.hpp"
#include "store/store_reader.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::int64_t kSecond = 1'000'000'000;

double ms_since(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

/// As on a node with 200 programs of 50 users, half of whose failures are those of one.
Record random_record(std::mt19937& random, std::int64_t time_ns) {
  const bool common = random() % 2 == 0;
  const unsigned program = common ? 0 : random() % 200;
  Record record{
      .event = path_bind(EADDRINUSE, fmt::format("/run/app-{}/service-{}.sock", program, random() % 5)),
      .time = {time_ns},
      .resource = {.service_version = "0.1.0", .host_id = std::string(32, 'a'), .host_name = "node1"},
      .context = {},
      .diagnosis = {}};
  record.event.actor.comm = fmt::format("program-{}", program);
  record.event.actor.uid = 1000 + program % 50;
  record.event.actor.tgid = 1000 + random() % 30000;
  record.context.container = ContainerIdentity{
      .runtime = "docker", .id = fmt::format("{:064x}", program), .name = {}, .pod_uid = {}};
  record.diagnosis.cause = program % 3 == 0 ? Cause::address_in_use : Cause::stale_socket;
  record.diagnosis.confidence = Confidence::certain;
  record.diagnosis.evidence = {
      "program-1[612] uid 1001 has held the address since 2026-11-27T01:00:00Z (name table)"};
  record.diagnosis.advice = "stop pid 612 or give one of the two another address";
  return record;
}

void fill(RecordStore& store, unsigned number, std::int64_t now) {
  constexpr unsigned kBatch = 256;
  std::mt19937 random(18);  // NOLINT(cert-msc51-cpp): the same each time
  std::vector<StoredRecord> batch;
  double made_ms = 0;
  const auto start = SteadyClock::now();
  for (unsigned i = 0; i < number; ++i) {
    const Record record = random_record(random, now - std::int64_t{number - i} * kSecond / 2);
    const auto before = SteadyClock::now();
    batch.push_back(stored_record(record, CommandArgs::off));
    made_ms += ms_since(before);
    if (batch.size() < kBatch && i + 1 < number) continue;
    if (const auto added = store.add(batch); !added) throw std::runtime_error(added.error().text());
    if (const auto pruned = store.prune({now}); !pruned) throw std::runtime_error(pruned.error().text());
    batch.clear();
  }
  const double all_ms = ms_since(start);
  std::printf("%u records in %.1f s: %.2f us each on the worker, %.2f us each on the writer\n", number,
              all_ms / 1e3, made_ms * 1e3 / number, (all_ms - made_ms) * 1e3 / number);
}

/// The slowest of some.
void time_question(const std::string& path, const char* what, const Query& query) {
  constexpr int kTimes = 5;
  double slowest = 0;
  std::size_t groups = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto start = SteadyClock::now();
    const auto answer = StoreReader(path).answer(query);
    if (!answer) throw std::runtime_error(answer.error().text());
    slowest = std::max(slowest, ms_since(start));
    groups = answer->groups.size() + answer->names.size();
  }
  std::printf("%-44s %7.1f ms  %zu\n", what, slowest, groups);
}

void run(const std::string& path, unsigned number) {
  StoreStats stats;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  {
    auto store = RecordStore::open(path, {.largest_bytes = std::uint64_t{8} << 30}, stats);
    if (!store) throw std::runtime_error(store.error().text());
    fill(*store, number, now);
  }
  std::printf("%.0f bytes each\n", static_cast<double>(std::filesystem::file_size(path)) / number);
  const std::int64_t hour = now - 3600 * kSecond, day = now - 24 * 3600 * kSecond;
  time_question(path, "everything of the last day",
                {.subject = {}, .since_ns = day, .limit = 10, .viewer = {}});
  time_question(path, "everything", {.subject = {}, .viewer = {}});
  time_question(path, "everything of the last hour", {.subject = {}, .since_ns = hour, .viewer = {}});
  time_question(path, "a command with half of the records", {.subject = "program-0", .viewer = {}});
  time_question(path, "a command with few", {.subject = "program-7", .viewer = {}});
  time_question(path, "a command with none", {.subject = "nginx", .viewer = {}});
  time_question(path, "an address", {.subject = "/run/app-0/service-1.sock", .viewer = {}});
  time_question(path, "a pid", {.subject = "4242", .viewer = {}});
  time_question(path, "everything of a user with 1 %", {.subject = {}, .viewer = 1007});
  time_question(path, "a user with half, for a command with none", {.subject = "nginx", .viewer = 1000});
  time_question(path, "names that failed", {.subject = {}, .limit = 200, .names = true, .viewer = {}});
  time_question(path, "names of a user that failed",
                {.subject = {}, .limit = 200, .names = true, .viewer = 1007});
  time_question(path, "what is new (--follow)", {.subject = {}, .after_ns = now - kSecond, .viewer = {}});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("largest resident size: %ld KiB\n", usage.ru_maxrss);
}

}  // namespace
}  // namespace sockward::test

int main(int argc, char** argv) {
  const auto number = static_cast<unsigned>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000);
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("sockward-bench-store-{}", getpid());
  std::filesystem::create_directory(folder);
  int code = 0;
  try {
    sockward::test::run(folder / "records.db", number);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    code = 1;
  }
  std::filesystem::remove_all(folder);
  return code;
}
