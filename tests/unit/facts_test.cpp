// Facts: looked up once for an event, each with how it is known to be true of the moment of the call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::int64_t kLong = 1, kLate = 1'100'000'000;  // before the call at 1 s, and after it

PathObject folder(std::int64_t changed) {
  return {.kind = PathObject::Kind::directory, .mode = 0755, .changed = {changed}, .exact_times = true};
}
PathObject file(std::int64_t changed) {
  return {.kind = PathObject::Kind::file, .mode = 0644, .changed = {changed}, .exact_times = true};
}

class FactsOfAPath : public ::testing::Test {
 protected:
  FactsOfAPath() {
    host.objects["/a"] = folder(kLong);
    host.objects["/a/b"] = folder(kLong);
    host.objects["/a/b/s"] = file(kLong);
  }
  Standing object() { return Facts(event, host, history, kHostUts).way().object_is; }
  Standing last_directory() { return Facts(event, host, history, kHostUts).way().leads_to.back(); }

  FakeHost host;
  History history;
  Event event = unix_call(Syscall::bind, EADDRINUSE, "/a/b/s", 9);
};

TEST_F(FactsOfAPath, AreUnchangedWhenEveryInodeOnTheWayIsOlderThanTheCall) {
  EXPECT_EQ(object().proof, Proof::unchanged);
}

TEST_F(FactsOfAPath, ANameMadeBesideItProvesNothingAgainstAFileThatIsOld) {
  host.objects["/a/b"].changed = {kLate};
  EXPECT_EQ(object().proof, Proof::unchanged) << "the file was neither renamed nor linked since";
  host.objects["/a/b/s"].changed = {kLate};
  EXPECT_EQ(object().proof, Proof::later) << "it may have been put there after the call";
  EXPECT_THAT(object().doubt, HasSubstr("/a/b/s was changed 100.0 ms after the call"));
}

TEST_F(FactsOfAPath, ADirectoryThatWasPutThereLaterTakesAllBehindItAlong) {
  host.objects["/a"].changed = {kLate};
  host.objects["/a/b"].changed = {kLate};
  EXPECT_FALSE(last_directory().proven());
  EXPECT_FALSE(object().proven());
}

TEST_F(FactsOfAPath, AChangeAtAboutTheTimeOfTheCallIsNoProofEitherWay) {
  host.objects["/a/b"].changed = host.objects["/a/b/s"].changed = {999'000'000};
  EXPECT_FALSE(object().proven()) << "file times lie up to some ticks behind";
}

TEST_F(FactsOfAPath, NeedExactFileTimesTheCallersViewItsMountsAndItsClock) {
  host.objects["/a/b"].exact_times = host.objects["/a/b/s"].exact_times = false;
  EXPECT_FALSE(object().proven());
  host.objects["/a/b"].exact_times = host.objects["/a/b/s"].exact_times = true;
  EXPECT_TRUE(object().proven());
  host.mounts_now = kMountEvent + 1;
  EXPECT_THAT(object().doubt, HasSubstr("mounts have changed"));
  host.mounts_now = kMountEvent;
  event.actor.mount_event = 0;
  EXPECT_FALSE(object().proven()) << "the kernel does not say";
  event.actor.mount_event = kMountEvent;
  host.clock_was_set = true;
  EXPECT_FALSE(object().proven());
}

TEST(Confidence, IsComputedFromWhatTheCauseRestsOn) {
  Finding found{.cause = Cause::path_occupied, .evidence = {{"seen in the record"}}};
  EXPECT_EQ(confidence_of(found), Confidence::certain);
  found.note("looked up, and nothing rests on it");
  EXPECT_EQ(confidence_of(found), Confidence::certain);
  found.evidence.emplace_back("proven", Standing::unchanged());
  EXPECT_EQ(confidence_of(found), Confidence::certain);
  Finding otherwise = found;
  otherwise.alternative = "something else looks the same";
  EXPECT_EQ(confidence_of(otherwise), Confidence::likely);
  EXPECT_THAT(to_diagnosis(otherwise).unproven, Contains("something else looks the same"));
  found.evidence.emplace_back("it is so now", Standing::later("it was changed since"));
  EXPECT_EQ(confidence_of(found), Confidence::likely);
  EXPECT_THAT(to_diagnosis(found).unproven, Contains("it is so now: it was changed since"));
}

TEST(Confidence, OfAnUnknownCauseIsUnknown) {
  EXPECT_EQ(confidence_of(Finding{.cause = Cause::unknown}), Confidence::unknown);
}

class LookUps : public DiagnosisTest {
 protected:
  /// Each kind of look-up that was made for this event, with how often.
  std::map<std::string, int> of(const Event& event) {
    host.asked.clear();
    Engine(host, kHostUts).diagnose(event);
    return host.asked;
  }
};

TEST_F(LookUps, AreMadeOncePerFactAndEventHoweverManyRulesReadIt) {
  host.objects["/run/x"] = socket_file(5, 1);
  host.caller = Credentials{};
  SocketAddress any6{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80};
  Event connect_inet = inet_bind(ECONNREFUSED, tcp4("127.0.0.1", 80));
  connect_inet.syscall = Syscall::connect;
  Event no_address = inet_bind(EADDRNOTAVAIL, any6);
  const Event events[] = {unix_call(Syscall::bind, EADDRINUSE, "/run/x", 9),
                          unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9),
                          unix_call(Syscall::bind, EACCES, "/run/x", 9),
                          unix_call(Syscall::connect, EACCES, "/run/x", 9),
                          unix_call(Syscall::connect, ENOENT, "/run/y", 9),
                          path_call(Syscall::unlink, EPERM, "/run/x"),
                          inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)),
                          inet_bind(EACCES, tcp4("127.0.0.1", 8080)),
                          abstract_bind("name"),
                          connect_inet,
                          no_address};
  for (const Event& event : events)
    for (const auto& [question, times] : of(event)) {
      // The name table is asked for each name that may be in the way; each of them once.
      const int most = question == "binder" ? 4 : 1;
      EXPECT_LE(times, most) << question << " for " << to_string(event.syscall) << " " << event.error();
    }
}

TEST(SkippedLookUps, CountTheEventsThatWentWithoutThem) {
  SocketAddress six{.kind = AddressKind::inet6, .family = AF_INET6, .name = {}, .port = 80};
  six.ip[0] = 0xFD;
  Event unreachable = inet_bind(ENETUNREACH, tcp4("192.0.2.1", 80));
  unreachable.syscall = Syscall::connect;
  const Event events[] = {unix_call(Syscall::bind, EACCES, "/run/x", 9),
                          unix_call(Syscall::connect, ENOENT, "/run/x", 9), unreachable,
                          inet_bind(EADDRNOTAVAIL, six)};
  FakeHost host;
  Engine engine(host, kHostUts);
  for (const Event& event : events) {
    engine.diagnose(event);
    EXPECT_EQ(engine.events_with_skipped_lookups(), 0u) << event.error();
  }
  host.budget_left = false;
  std::uint64_t skipped = 0;
  for (const Event& event : events) {
    engine.diagnose(event);
    EXPECT_EQ(engine.events_with_skipped_lookups(), ++skipped) << event.error();
  }
}

TEST_F(LookUps, AreNotMadeForWhatTheRecordSays) {
  EXPECT_TRUE(of(inet_bind(EACCES, tcp4("127.0.0.1", 80))).empty())
      << "privileged_port needs the record only";
}

}  // namespace
}  // namespace sockward::test
