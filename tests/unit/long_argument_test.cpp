// Socket paths in arguments, and programs that refuse them without a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnose/engine.hpp"
#include "diagnose/socket_argument.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

const std::string kLong = "/run/" + std::string(110, 'n') + "/ctl.sock";

LongArgument argument(const std::string& text, const std::string& before = "") {
  return {.index = 2, .text = text, .before = before};
}

TEST(SocketArgument, IsFoundInEveryForm) {
  for (const std::string& text : {kLong, "unix:" + kLong, "unix://" + kLong, "type=unixio,path=" + kLong,
                                  "socket,id=c,path=" + kLong + ",server=on", "--unix-socket=" + kLong})
    EXPECT_EQ(overlong_socket_path(argument(text)), kLong) << text;
  const std::string plain = "/srv/" + std::string(120, 'x') + "/control";
  EXPECT_EQ(overlong_socket_path(argument(plain, "-S")), plain);
}

TEST(SocketArgument, IsNotAnyLongText) {
  const std::string file = "/srv/" + std::string(120, 'x') + "/data.txt";
  for (const std::string& text : {file, kLong + ".txt", "--output=" + file, "path=" + file, "cat " + kLong,
                                  std::string(200, 'a'), std::string("unix:/run/short.sock"), std::string()})
    EXPECT_FALSE(overlong_socket_path(argument(text))) << text;
}

Event started_with(const std::string& text) {
  Event event = an_event(Syscall::execve, 0);
  event.time = {990'000'000};
  event.call = argument(text);
  return event;
}

Event ended(int status) {
  Event event = an_event(Syscall::execve, 0);
  event.call = ProcessExit{.status = status, .had_argument = true};
  return event;
}

Diagnosis after(const std::vector<Event>& before, const Event& event) {
  const FakeHost host;
  Engine engine(host, kHostUts);
  for (const Event& earlier : before) engine.diagnose(earlier);
  return engine.diagnose(event);
}

TEST(RefusedInUserspace, TakesAnArgumentNoCallAndAFailure) {
  const Diagnosis found = after({started_with(kLong)}, ended(1 << 8));
  EXPECT_EQ(found.cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.name, kLong);
}

TEST(RefusedInUserspace, IsNotSaidOfSuccessSignalsUsesAndStrangers) {
  EXPECT_EQ(after({started_with(kLong)}, ended(0)).cause, Cause::unknown);
  EXPECT_EQ(after({started_with(kLong)}, ended(15)).cause, Cause::unknown);  // SIGTERM
  const Event cut = unix_call(Syscall::bind, 0, kLong.substr(0, 108), 110);
  EXPECT_EQ(after({started_with(kLong), cut}, ended(1 << 8)).cause, Cause::unknown);
  Event stranger = ended(1 << 8);
  stranger.actor.leader_start_ns += 1;  // the pid was used again
  EXPECT_EQ(after({started_with(kLong)}, stranger).cause, Cause::unknown);
  EXPECT_EQ(after({}, ended(1 << 8)).cause, Cause::unknown);
}

TEST(RefusedInUserspace, IsToldOfTheProgramAndNotOfItsWrapper) {
  Event child_start = started_with(kLong), child_end = ended(1 << 8);
  for (Event* event : {&child_start, &child_end}) {
    event->actor.tgid = 5000;
    event->actor.leader_start_ns += 1'000'000;
  }
  EXPECT_EQ(after({started_with(kLong), child_start}, child_end).cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(after({started_with(kLong), child_start, child_end}, ended(1 << 8)).cause, Cause::unknown);
}

TEST(RefusedInUserspace, GivesTheBudgetOfTheNameThatTheUserChose) {
  Event start = started_with(kLong), end = ended(255 << 8);
  std::get<LongArgument>(start.call).before = "-S";
  start.actor.comm = end.actor.comm = "ssh";
  EXPECT_THAT(after({start}, end).evidence,
              ::testing::Contains(::testing::HasSubstr("the ControlPath may have 90 bytes")));
  std::get<ProcessExit>(end.call).message = "unix_listener: path \"/srv/" + std::string(90, 'c') +
                                            ".fktgaYrXsYHZrIVZ\" too long for Unix domain socket\r\n";
  EXPECT_THAT(after({}, end).evidence,
              ::testing::Contains(::testing::HasSubstr("may have 90 bytes, it has 95")));
}

TEST(Truncated, IsSaidOf107BytesOnlyWithALongerName) {
  const Event cut = unix_call(Syscall::connect, ECONNREFUSED, kLong.substr(0, 107), 110);
  EXPECT_EQ(after({started_with(kLong)}, cut).cause, Cause::path_truncated);
  EXPECT_EQ(after({started_with(kLong), cut}, cut).cause, Cause::path_truncated);  // a second try
  EXPECT_NE(after({}, cut).cause, Cause::path_truncated);
}

TEST(Truncated, IsSaidOfAProgramThatSaysSo) {
  Event end = ended(1 << 8);
  std::get<ProcessExit>(end.call).message =
      "Path length (125) is longer than maximum supported length (108) and will be truncated at -e line 1.";
  EXPECT_EQ(after({}, end).cause, Cause::path_truncated);
  EXPECT_EQ(after({}, end).confidence, Confidence::likely);
  const Event cut = unix_call(Syscall::bind, 0, kLong.substr(0, 108), 110);
  EXPECT_EQ(after({started_with(kLong), cut}, end).cause, Cause::unknown);  // it was told
}

TEST(RefusedInUserspace, IsSaidOfAMessageWithoutAnArgument) {
  Event event = ended(1 << 8);
  std::get<ProcessExit>(event.call).message =
      "nginx: [emerg] too long path in the unix domain socket \"unix:" + kLong + "\"";
  EXPECT_EQ(after({}, event).cause, Cause::path_refused_in_userspace);
  EXPECT_EQ(after({}, event).name, kLong);
  std::get<ProcessExit>(event.call).status = 0;
  EXPECT_EQ(after({}, event).cause, Cause::unknown);
}

TEST(ObservedRefusal, OfASeccompFilterTakesTheCertaintyFromEverythingElse) {
  Event event = inet_bind(EACCES, tcp4("127.0.0.1", 80));
  EXPECT_EQ(after({}, event).cause, Cause::privileged_port);
  EXPECT_EQ(after({}, event).confidence, Confidence::certain);
  event.seccomp_refused = true;
  const Diagnosis found = after({}, event);
  EXPECT_EQ(found.cause, Cause::policy_denied);
  EXPECT_EQ(found.policy, "seccomp");
  EXPECT_EQ(found.confidence, Confidence::likely);
  event = inet_bind(EADDRNOTAVAIL, tcp4("192.0.2.1", 8080));
  event.seccomp_refused = true;  // filters may answer with any error
  EXPECT_EQ(after({}, event).cause, Cause::policy_denied);
  EXPECT_EQ(after({}, event).confidence, Confidence::likely);
}

TEST(ObservedRefusal, OfAHookIsCertainWhateverElseCouldExplainIt) {
  Event event = inet_bind(EACCES, tcp4("127.0.0.1", 80));
  event.lsm_refused = true;
  EXPECT_EQ(after({}, event).policy, "lsm");
  EXPECT_EQ(after({}, event).confidence, Confidence::certain);
  event.lsm_refused = false;
  event.cgroup_refused = true;
  EXPECT_EQ(after({}, event).policy, "cgroup_bpf");
  EXPECT_EQ(after({}, event).confidence, Confidence::certain);
}

TEST(PolicyLayers, AreAskedOfTheHostAndNeverCertain) {
  Event event = inet_bind(EACCES, tcp4("192.0.2.1", 80));
  event.syscall = Syscall::connect;
  FakeHost host;
  host.route_answer = EACCES;
  Engine engine(host, kHostUts);
  EXPECT_EQ(engine.diagnose(event).policy, "route");
  EXPECT_EQ(engine.diagnose(event).confidence, Confidence::likely);
  host.route_answer = 0;
  EXPECT_EQ(engine.diagnose(event).policy, "unknown");
  event.result = -EPERM;
  host.programs = 1;
  EXPECT_EQ(engine.diagnose(event).policy, "cgroup_bpf");
}

}  // namespace
}  // namespace sockward::test
