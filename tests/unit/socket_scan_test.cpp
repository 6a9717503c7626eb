#include "kernel/socket_scan.hpp"

#include "host/sockets/socket_scans.hpp"
#include "support/holders.hpp"

namespace sockward::test {
namespace {

using State = OpenSocket::State;

SocketAddress tcp6(std::uint16_t port) {
  return {
      .kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .ip = {0xfe, 0x80, 1, 2, 3}, .port = port};
}

BoundName netlink_name(std::uint32_t port) {
  return {.kind = BoundName::Kind::netlink,
          .netns = 4026531833,
          .protocol = 15,
          .address = {.kind = AddressKind::other, .family = AF_NETLINK, .name = {}, .netlink_port = port}};
}

bool same(const OpenSocket& one, const OpenSocket& other) {
  return one.name == other.name && one.owner == other.owner && one.fd == other.fd && one.type == other.type &&
         one.state == other.state && one.path == other.path && one.links == other.links &&
         one.queue == other.queue && one.backlog == other.backlog;
}

TEST(SocketList, GivesBackWhatItWasGiven) {
  SocketOwner sharing = owner(42, "web", 555);
  sharing.traits.bound_device = 3;
  sharing.traits.v6only = sharing.traits.reuseport = true;
  SocketOwner reusing = owner(42, "web", 556);
  reusing.traits.reuseaddr = true;
  reusing.traits.socket_uid = 1000;
  SocketOwner elsewhere = owner(43, "lxc", 558);
  elsewhere.process.mntns = 4026531999;
  elsewhere.generation = 77;
  const std::vector<OpenSocket> sockets = {
      {tcp_name(tcp6(443)), sharing, 3, SOCK_STREAM, State::listening, "", 0},
      {tcp_name(tcp6(444)), reusing, 4, SOCK_DGRAM, State::idle, "", 1},
      {abstract_name(std::string("a\0b", 3) + std::string(104, 'x')), owner(43, "lxc", 557), 5, SOCK_STREAM},
      {file_name(1ull << 40), elsewhere, 6, SOCK_STREAM, State::connected, "/run/" + std::string(103, 'y'), 0,
       3, 128},
      {netlink_name(3'000'000'777), owner(43, "lxc", 560), 8, SOCK_RAW},
      {abstract_name(""), owner(44, "", 559), 7, SOCK_SEQPACKET}};
  const SocketList list(sockets);
  ASSERT_EQ(list.size(), sockets.size());
  for (std::size_t i = 0; i < sockets.size(); ++i) EXPECT_TRUE(same(list[i], sockets[i])) << i;
  EXPECT_TRUE(std::equal(list.begin(), list.end(), sockets.begin(), same));
}

TEST(SocketList, SocketsOfOneProcessShareItWhoeverMadeThem) {
  SocketList one, two;
  SocketOwner first = owner(42, "web", 1), second = owner(42, "web", 2);
  for (const auto* who : {&first, &second}) one.add({tcp_name(tcp6(80)), *who, 3, SOCK_STREAM});
  second.traits.socket_uid = 1000;
  second.generation = 7;
  for (const auto* who : {&first, &second}) two.add({tcp_name(tcp6(80)), *who, 3, SOCK_STREAM});
  EXPECT_EQ(one.bytes(), two.bytes());
  EXPECT_EQ(two[1].owner, second);
}

TEST(SocketList, TheManyDoNotCrowdOutTheFewAndAreCounted) {
  constexpr std::size_t kRoom = 64 << 10;
  SocketList list(kRoom);
  for (std::uint16_t i = 0; i < 2000; ++i)
    list.add({tcp_name(tcp6(i)), owner(42, "proxy", i), i, SOCK_STREAM, State::connected});
  EXPECT_LE(list.bytes(), kRoom / 2);
  EXPECT_GT(list.size(), kRoom / 2 / 88 - 10) << "88 bytes each, and their process once";
  EXPECT_EQ(list.size() + list.left_out(), 2000u);
  EXPECT_FALSE(list.complete_for(BoundName::Kind::inet));
  EXPECT_TRUE(list.complete_for(BoundName::Kind::path));
  for (std::uint16_t i = 0; i < 150; ++i)
    list.add({abstract_name("name " + std::to_string(i)), owner(43, "lxc", i), i, SOCK_STREAM});
  EXPECT_TRUE(list.complete_for(BoundName::Kind::abstract)) << "those found room";
  for (std::uint16_t i = 0; i < 2000; ++i)
    list.add({abstract_name("name " + std::to_string(i)), owner(43, "lxc", i), i, SOCK_STREAM});
  EXPECT_LE(list.bytes(), kRoom / 4 * 3);
  EXPECT_FALSE(list.complete_for(BoundName::Kind::abstract));
  EXPECT_TRUE(list.complete_for(BoundName::Kind::path));
  for (std::uint16_t i = 0; i < 2000; ++i)
    list.add({file_name(i), owner(44, "php", i), i, SOCK_STREAM, State::connected, "/run/php"});
  EXPECT_LE(list.bytes(), kRoom);
  EXPECT_GT(list.bytes(), kRoom - 500);
  EXPECT_FALSE(list.complete_for(BoundName::Kind::path));
}

/// Finds so many listeners, whenever it is asked.
class Listeners final : public BoundSockets {
 public:
  explicit Listeners(std::uint16_t count) : count_(count) {}
  std::optional<SocketOwner> binder(const BoundName&) const override { return std::nullopt; }
  Result<bool> note_released() const override { return true; }
  Result<bool> scan(SocketList& into) const override {
    for (std::uint16_t i = 0; i < count_; ++i)
      into.add({tcp_name(tcp6(i)), owner(42, "web", i), i, SOCK_STREAM});
    return true;
  }

 private:
  std::uint16_t count_;
};

TEST(SocketList, FindsWhatIsNearAName) {
  SocketList list;
  list.add({tcp_name(tcp6(80)), owner(42, "web", 1), 3, SOCK_STREAM, State::listening});
  list.add({tcp_name(tcp6(81)), owner(42, "web", 2), 4, SOCK_STREAM, State::listening});
  list.add({abstract_name("a"), owner(43, "lxc", 3), 5, SOCK_STREAM});
  list.add({abstract_name("ab"), owner(43, "lxc", 4), 6, SOCK_STREAM});
  list.add({file_name(7), owner(44, "php", 5), 7, SOCK_STREAM});
  const auto numbers = [&](const BoundName& name) {
    std::vector<std::uint64_t> found;
    for (const OpenSocket& socket : list.near(name)) found.push_back(socket.owner.socket_inode);
    return found;
  };
  BoundName wildcard = tcp_name({.kind = AddressKind::inet, .family = AF_INET, .name = {}, .port = 80});
  EXPECT_EQ(numbers(wildcard), std::vector<std::uint64_t>{1}) << "whatever the address";
  EXPECT_EQ(numbers(abstract_name("a")), std::vector<std::uint64_t>{3});
  EXPECT_EQ(numbers(file_name(7)), std::vector<std::uint64_t>{5});
  EXPECT_TRUE(numbers(file_name(8)).empty());
}

TEST(SocketFilter, CoversWhatAsksForLess) {
  const SocketFilter all, none = SocketFilter::nothing();
  const SocketFilter files{.everything = false, .paths = true};
  const SocketFilter port{.everything = false, .ports = {80}}, ports{.everything = false, .ports = {80, 443}};
  const SocketFilter name{.everything = false, .abstract_names = {"a"}};
  for (const auto* one : {&none, &files, &port, &ports, &name}) {
    EXPECT_TRUE(all.covers(*one));
    EXPECT_FALSE(one->covers(all));
    EXPECT_TRUE(one->covers(none));
    EXPECT_TRUE(one->covers(*one));
  }
  EXPECT_TRUE(ports.covers(port));
  EXPECT_FALSE(port.covers(ports));
  EXPECT_FALSE(files.covers(name));
}

/// Has more listeners than there is room for, and notes what it was asked for.
class Crowd final : public BoundSockets {
 public:
  std::optional<SocketOwner> binder(const BoundName&) const override { return std::nullopt; }
  Result<bool> note_released() const override { return true; }
  Result<bool> scan(SocketList& into) const override { return scan_for({}, into); }
  Result<bool> scan_for(const SocketFilter& filter, SocketList& into) const override {
    asked.push_back(filter);
    for (std::uint16_t i = 0; i < (filter.everything ? 5000 : 1); ++i)
      into.add({tcp_name(tcp6(i)), owner(42, "web", i), i, SOCK_STREAM, State::listening});
    return true;
  }
  mutable std::vector<SocketFilter> asked;
};

TEST(SocketScans, AmongTooManyOnlyWhatIsAskedForIsLookedFor) {
  const SystemClock clock;
  const Crowd crowd;
  CpuBudget limit(clock);
  const SocketScans scans(&crowd, clock, limit, 64 << 10);
  const SocketFilter web{.everything = false, .ports = {80}}, mail{.everything = false, .ports = {25}};
  const auto shared = SocketScans::Scan::shared;
  const MonotonicTime before = clock.monotonic();
  const auto found = *scans.scan_after(before, SocketScans::Scan::fresh, web);
  EXPECT_EQ(found->sockets.size(), 1u);
  EXPECT_EQ(*scans.scan_after(before, shared, web), found) << "it began after that";
  EXPECT_NE(*scans.scan_after(before, SocketScans::Scan::fresh, mail), found) << "it did not look for that";
  ASSERT_EQ(crowd.asked.size(), 3u);
  EXPECT_TRUE(crowd.asked[0].everything);
  EXPECT_TRUE(crowd.asked[1].covers(web));
  EXPECT_EQ(*scans.scan_before(clock.monotonic(), web), found);
  EXPECT_GT((*scans.scan_before(clock.monotonic(), {}))->sockets.size(), 1u) << "only the first one has all";
}

TEST(SocketScans, ThoseThatAreKeptAreBoundedToo) {
  const SystemClock clock;
  for (const auto& [count, kept] : {std::pair<std::uint16_t, std::size_t>{10, 4}, {1000, 2}}) {
    const Listeners listeners(count);
    CpuBudget limit(clock);
    const SocketScans scans(&listeners, clock, limit, 64 << 10);
    std::vector<MonotonicTime> ends{clock.monotonic()};
    for (int i = 0; i < 6; ++i) {
      scans.refresh();
      ends.push_back(clock.monotonic());
    }
    const SocketFilter files{.everything = false, .paths = true};
    std::set<std::uint64_t> known;  // by when they began
    for (const MonotonicTime end : ends) known.insert((*scans.scan_before(end, files))->began.ns);
    EXPECT_EQ(known.size(), kept + 1) << "and the first one";
    EXPECT_EQ(scans.left_out() > 0, count == 1000);
  }
}

class SteppedClock final : public Clock {
 public:
  MonotonicTime monotonic() const override { return {now_ms * 1'000'000}; }
  WallTime wall(MonotonicTime time) const override { return {static_cast<std::int64_t>(time.ns)}; }
  std::uint64_t now_ms = 5000;
};

TEST(CpuBudget, ASecondAtOnceAndThenATenthOfTheTime) {
  SteppedClock clock;
  CpuBudget limit(clock);
  const auto look_ups_within = [&](std::uint64_t until, std::uint64_t each) {
    int made = 0;
    while (clock.now_ms < until) {
      const MonotonicTime began = clock.monotonic();
      if (limit.may_begin()) {
        clock.now_ms += each;
        limit.ended(began);
        ++made;
      } else {
        clock.now_ms += 10;
      }
    }
    return made;
  };
  EXPECT_NEAR(look_ups_within(6050, 100), 11, 1) << "one second of them";
  EXPECT_NEAR(look_ups_within(26'050, 100), 20, 1) << "in twenty seconds";
  EXPECT_GT(limit.refused(), 1000u);
  clock.now_ms += 60'000;
  EXPECT_NEAR(look_ups_within(clock.now_ms + 1050, 100), 11, 1)
      << "a rest gives no more than the second back";
}

TEST(CpuBudget, AnUnlimitedOneRefusesNothing) {
  SteppedClock clock;
  CpuBudget limit(clock, CpuBudget::kUnlimited);
  const MonotonicTime began = clock.monotonic();
  clock.now_ms += 5'000;
  limit.ended(began);
  EXPECT_TRUE(limit.may_begin());
  EXPECT_EQ(limit.refused(), 0u);
}

/// Its scans take long, as those of a node with many sockets.
class SlowListeners final : public BoundSockets {
 public:
  explicit SlowListeners(SteppedClock& clock) : clock_(clock) {}
  std::optional<SocketOwner> binder(const BoundName&) const override { return std::nullopt; }
  Result<bool> note_released() const override { return true; }
  Result<bool> scan(SocketList& into) const override {
    if (broken) return make_error(std::errc::too_many_files_open, "scan");
    clock_.now_ms += 400;
    into.add({tcp_name(tcp6(80)), owner(42, "web", 555), 3, SOCK_STREAM});
    return true;
  }
  bool broken = false;

 private:
  SteppedClock& clock_;
};

TEST(SocketScans, ThatCostTooMuchAreNotMade) {
  SteppedClock clock;
  CpuBudget limit(clock);
  SlowListeners listeners(clock);
  const SocketScans scans(&listeners, clock, limit);
  const auto fresh = [&] { return scans.scan_after(clock.monotonic(), SocketScans::Scan::fresh, {}); };
  EXPECT_TRUE(fresh());
  EXPECT_TRUE(fresh());
  clock.now_ms += 200;
  const auto refused = fresh();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, std::errc::resource_unavailable_try_again);
  const auto older = scans.scan_after(clock.monotonic(), SocketScans::Scan::shared, {});
  ASSERT_TRUE(older) << "the latest there is will do where it is not to be a fresh one";
  EXPECT_LT((*older)->began, clock.monotonic());
  EXPECT_EQ(limit.refused(), 2u);
  clock.now_ms += 60'000;
  listeners.broken = true;
  EXPECT_EQ(scans.scan_after(clock.monotonic(), SocketScans::Scan::shared, {}).error().code,
            std::errc::too_many_files_open)
      << "an old one is no answer where none can be made";
}

}  // namespace
}  // namespace sockward::test
