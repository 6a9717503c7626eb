// Each rule: what it must say, and what it must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnose/engine.hpp"
#include "diagnose/rules.hpp"
#include "support/builders.hpp"

namespace sockward {
namespace test {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Rules : public ::testing::Test {
 protected:
  using Examine = std::optional<Finding> (*)(const Facts&);
  std::optional<Diagnosis> ask(Examine rule, const Event& event) {
    auto found = rule(Facts(event, host, history, kHostUts));
    return found ? std::optional(to_diagnosis(std::move(*found))) : std::nullopt;
  }
  FakeHost host;
  History history;
};

TEST_F(Rules, PathTooLongIsCertainWhenTheKernelRefusedTheLength) {
  const std::string path = "/var/lib/incus/" + std::string(100, 'v') + "/tpm.sock";
  const auto found = ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, path, 127));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("addrlen 127 exceeds 110")));
  EXPECT_THAT(found->evidence, Contains(HasSubstr("has 100 bytes: at most 83 fit")));
  EXPECT_FALSE(found->advice.empty());
}

TEST_F(Rules, PathTooLongSaysWhenOnlyTheLengthIsWrong) {
  const auto found = ask(rules::path_too_long, unix_call(Syscall::connect, EINVAL, "/run/x.sock", 128));
  ASSERT_TRUE(found);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("only 11 bytes: the length is wrong")));
}

TEST_F(Rules, PathTooLongLeavesOtherInvalidArgumentsAlone) {
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, "/run/x", 110)));  // bound twice
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EINVAL, "/run/x", -1)));
  EXPECT_FALSE(ask(rules::path_too_long, unix_call(Syscall::bind, EADDRINUSE, "/run/x", 128)));
  Event inet = inet_bind(EINVAL, tcp4("127.0.0.1", 80));
  std::get<SocketCall>(inet.call).address_length = 128;
  EXPECT_FALSE(ask(rules::path_too_long, inet));
  Event other_family = unix_call(Syscall::bind, EINVAL, "", 128);
  std::get<SocketCall>(other_family.call).address = tcp4("127.0.0.1", 80);
  EXPECT_FALSE(ask(rules::path_too_long, other_family));
}

TEST_F(Rules, PathTooLongKnowsTheLimitsOfPathCalls) {
  const auto found =
      ask(rules::path_too_long, path_call(Syscall::unlink, ENAMETOOLONG, "/tmp/" + std::string(300, 'n')));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("300 bytes, 255 are allowed")));
  EXPECT_FALSE(ask(rules::path_too_long, path_call(Syscall::unlink, ENOENT, std::string(300, 'n'))));
}

const std::string kFull = "/" + std::string(kUnixPathMax - 1, 'p');

TEST_F(Rules, PathTruncatedIsLikelyWithoutALongerArgument) {
  host.command_lines[4121] = {"node", "server.js"};
  const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::likely);
}

TEST_F(Rules, PathTruncatedIsCertainWithALongerArgument) {
  for (const std::string prefix : {"", "path=", "unix:", "unix://"}) {
    host.command_lines[4121] = {"node", prefix + kFull + "/rest.sock"};
    const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->confidence, Confidence::certain) << prefix;
    EXPECT_THAT(found->evidence, Contains(HasSubstr("/rest.sock")));
  }
}

TEST_F(Rules, PathTruncatedIsNotCertainWhenTheArgumentIsTheNameItselfOrAnotherOne) {
  for (const std::string& argument : {kFull, "x" + kFull + "y", kFull.substr(1)}) {
    host.command_lines[4121] = {"node", argument};
    const auto found = ask(rules::path_truncated, unix_call(Syscall::bind, 0, kFull, 110));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->confidence, Confidence::likely);
  }
}

TEST_F(Rules, PathTruncatedSaysWhenTheProcessIsGone) {
  const auto found = ask(rules::path_truncated, unix_call(Syscall::connect, ENOENT, kFull, 110));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::likely);
  EXPECT_THAT(found->unproven, Contains(HasSubstr("not visible")));
}

TEST_F(Rules, PathTruncatedNeedsAFullAddress) {
  EXPECT_FALSE(ask(rules::path_truncated, unix_call(Syscall::bind, 0, std::string(107, 'p'), 110)));
  EXPECT_FALSE(ask(rules::path_truncated, unix_call(Syscall::bind, EINVAL, std::string(120, 'p'), 123)));
}

TEST_F(Rules, PathNearLimitSaysHowManyBytesAreLeft) {
  const auto found = ask(rules::path_near_limit, unix_call(Syscall::bind, 0, std::string(103, 'p'), 106));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("103 bytes of 107: 4 left")));
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::bind, 0, kFull, 110)));
  EXPECT_FALSE(ask(rules::path_near_limit, unix_call(Syscall::bind, EADDRINUSE, std::string(103, 'p'), 106)));
}

TEST_F(Rules, PrivilegedPortIsCertainWithoutTheCapability) {
  const auto found = ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 80)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_THAT(found->evidence, Contains(HasSubstr("port 80 is below 1024")));
  EXPECT_THAT(found->evidence, Contains(HasSubstr("no CAP_NET_BIND_SERVICE")));
}

TEST_F(Rules, PrivilegedPortIsNotTheCauseWhenTheCapabilityIsThere) {
  Event event = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  event.actor = with_capability(event.actor, CAP_NET_BIND_SERVICE);
  EXPECT_FALSE(ask(rules::privileged_port, event));
}

TEST_F(Rules, PrivilegedPortKnowsThatACapabilityInAChildNamespaceDoesNotCount) {
  Event event = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  event.actor = with_capability(event.actor, CAP_NET_BIND_SERVICE);
  event.actor.userns = 4026532999;
  const auto in_initial = ask(rules::privileged_port, event);
  ASSERT_TRUE(in_initial);
  EXPECT_EQ(in_initial->confidence, Confidence::certain);
  std::get<SocketCall>(event.call).owner_userns = 4026532998;  // which of the two is above cannot be told
  EXPECT_EQ(ask(rules::privileged_port, event)->confidence, Confidence::likely);
}

TEST_F(Rules, WhoMayHaveMadeTheOwningUserNamespaceNeedsNoCapabilityThere) {
  Event port = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  std::get<SocketCall>(port.call).owner_userns = 4026532998;
  EXPECT_EQ(ask(rules::privileged_port, port)->confidence, Confidence::likely);
  port.actor.userns = 4026532998;
  EXPECT_EQ(ask(rules::privileged_port, port)->confidence, Confidence::certain) << "in it, one needs it";
  Event name = name_call(EPERM, "old", "new");
  std::get<NameCall>(name.call).owner_userns = 4026532998;
  EXPECT_EQ(ask(rules::hostname_denied, name)->confidence, Confidence::likely);
  name.actor.userns = 4026532998;
  EXPECT_EQ(ask(rules::hostname_denied, name)->confidence, Confidence::certain);
}

TEST_F(Rules, PrivilegedPortLeavesOtherPortsAndErrorsAlone) {
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 1024))));
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EACCES, tcp4("0.0.0.0", 0))));
  EXPECT_FALSE(ask(rules::privileged_port, inet_bind(EADDRINUSE, tcp4("0.0.0.0", 80))));
  EXPECT_FALSE(ask(rules::privileged_port, unix_call(Syscall::bind, EACCES, "/run/x", 9)));
  Event lowered = inet_bind(EACCES, tcp4("0.0.0.0", 80));
  std::get<SocketCall>(lowered.call).port_start = 80;
  EXPECT_FALSE(ask(rules::privileged_port, lowered));
}

TEST_F(Rules, HostnameChangedIsCertainWhenBothNamesWereRead) {
  const auto found = ask(rules::hostname_changed, name_call(0, "old", "new"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_TRUE(found->advice.empty());
}

TEST_F(Rules, HostnameChangedIsNotCertainWhenAnotherChangeCameBetween) {
  Event event = name_call(0, "old", "new");
  std::get<NameCall>(event.call).asked = "mine";
  EXPECT_EQ(ask(rules::hostname_changed, event)->confidence, Confidence::likely);
}

TEST_F(Rules, HostnameChangedThroughSysctlIsCheckedAgainstTheNamespace) {
  const Event event = name_call(0, "old", "new", Via::sysctl);
  EXPECT_EQ(ask(rules::hostname_changed, event)->confidence, Confidence::likely) << "the namespace is gone";
  host.names[kOtherUts] = {"new", ""};
  EXPECT_EQ(ask(rules::hostname_changed, event)->confidence, Confidence::certain);
  host.names[kOtherUts] = {"third", ""};
  const auto found = ask(rules::hostname_changed, event);
  EXPECT_EQ(found->confidence, Confidence::likely);
  EXPECT_THAT(found->unproven, Contains(HasSubstr("is named \"third\" now")));
  host.names_visible = false;
  EXPECT_EQ(ask(rules::hostname_changed, event)->confidence, Confidence::likely);
}

TEST_F(Rules, HostnameChangedShowsAFlapAndOnlyThat) {
  history.remember(name_call(0, "old", "new"));
  Event back = name_call(0, "new", "old");
  back.time.ns += 12'000'000;
  EXPECT_THAT(ask(rules::hostname_changed, back)->evidence,
              Contains(HasSubstr("flap: ergo[4121] had changed it 12.0 ms before")));
  Event onward = name_call(0, "new", "third");
  EXPECT_THAT(ask(rules::hostname_changed, onward)->evidence, Not(Contains(HasSubstr("flap"))));
  Event late = back;
  late.time.ns += 6'000'000'000;
  EXPECT_THAT(ask(rules::hostname_changed, late)->evidence, Not(Contains(HasSubstr("flap"))));
  Event elsewhere = back;
  elsewhere.actor.utsns = kOtherUts + 1;
  EXPECT_THAT(ask(rules::hostname_changed, elsewhere)->evidence, Not(Contains(HasSubstr("flap"))));
}

TEST_F(Rules, HostnameDeniedIsCertainWithoutTheCapability) {
  const auto found = ask(rules::hostname_denied, name_call(EPERM, "old", "new"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
}

TEST_F(Rules, HostnameDeniedPointsElsewhereWhenTheCapabilityIsThere) {
  Event event = name_call(EPERM, "old", "new");
  event.actor = with_capability(event.actor, CAP_SYS_ADMIN);
  const auto found = ask(rules::hostname_denied, event);
  EXPECT_EQ(found->confidence, Confidence::likely);
  EXPECT_THAT(found->unproven, Contains(HasSubstr("seccomp filter or a security module")));
}

TEST_F(Rules, HostnameTooLongNeedsMoreThan64Bytes) {
  EXPECT_TRUE(ask(rules::hostname_too_long, name_call(EINVAL, "old", std::string(65, 'h'))));
  EXPECT_FALSE(ask(rules::hostname_too_long, name_call(EINVAL, "old", std::string(64, 'h'))));
  Event negative = name_call(EINVAL, "old", "x");
  std::get<NameCall>(negative.call).asked_length = -1;
  EXPECT_FALSE(ask(rules::hostname_too_long, negative));
}

TEST_F(Rules, TheEngineSaysUnknownPlainlyAndNeverNothing) {
  Engine engine(host, kHostUts);
  const Diagnosis found = engine.diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_EQ(found.confidence, Confidence::unknown);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("looked at")));
  EXPECT_THAT(found.advice, HasSubstr("nsenter -t 4121 -n ss"));
}

TEST_F(Rules, AnUnknownCauseOfAnUnlinkSpeaksOfThePathAndOfNoSocket) {
  Engine engine(host, kHostUts);
  const Diagnosis found = engine.diagnose(path_call(Syscall::unlink, EBUSY, "/run/x"));
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("the socket"))));
  EXPECT_THAT(found.advice, HasSubstr("namei -l"));
}

TEST_F(Rules, AnUnknownCauseSaysThatThePathWasNotSeenAsTheCallerSawIt) {
  Engine engine(host, kHostUts);
  const Event event = unix_call(Syscall::bind, EPERM, "/m/q", 6);
  EXPECT_THAT(engine.diagnose(event).evidence, Not(Contains(HasSubstr("another root or mount namespace"))));
  host.trace = PathTrace{.searched = {{"/", {.kind = PathObject::Kind::directory, .mode = 0755}}}};
  EXPECT_THAT(engine.diagnose(event).evidence, Contains(HasSubstr("another root or mount namespace")));
  host.files_visible = false;
  EXPECT_THAT(engine.diagnose(event).evidence, Contains(HasSubstr("the path could not be looked up: ")));
}

TEST_F(Rules, TheEngineRemembersWhatItDiagnosed) {
  Engine engine(host, kHostUts);
  engine.diagnose(name_call(0, "old", "new"));
  EXPECT_THAT(engine.diagnose(name_call(0, "new", "old")).evidence, Contains(HasSubstr("flap")));
}

}  // namespace
}  // namespace test
}  // namespace sockward
