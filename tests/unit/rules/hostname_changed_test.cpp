// hostname_changed: a host or domain name was changed, and whether it goes back and forth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using HostnameChanged = RuleTest;

TEST_F(HostnameChanged, IsCertainWhenBothNamesWereRead) {
  const auto found = ask(rules::hostname_changed, name_call(0, "old", "new"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->confidence, Confidence::certain);
  EXPECT_TRUE(found->advice.empty());
}

TEST_F(HostnameChanged, IsNotCertainWhenAnotherChangeCameBetween) {
  Event event = name_call(0, "old", "new");
  std::get<NameCall>(event.call).asked = "mine";
  EXPECT_EQ(ask(rules::hostname_changed, event)->confidence, Confidence::likely);
}

TEST_F(HostnameChanged, ThroughSysctlIsCheckedAgainstTheNamespace) {
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

TEST_F(HostnameChanged, ShowsAFlapAndOnlyThat) {
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

TEST_F(HostnameChanged, NamesWhoAskedHostnamedForTheHostsName) {
  Event event = name_call(0, "old", "new");
  event.actor.utsns = kHostUts;
  host.program = "/usr/lib/systemd/systemd-hostnamed";
  host.request = {
      .method = "SetStaticHostname", .name = "new", .pid = 77, .uid = 1000, .comm = "hostnamectl"};
  EXPECT_THAT(ask(rules::hostname_changed, event)->evidence,
              Contains("asked for over D-Bus (SetStaticHostname) by hostnamectl[77] uid 1000"));
  host.request->pid = 0;
  EXPECT_THAT(ask(rules::hostname_changed, event)->evidence,
              Contains("asked for over D-Bus (SetStaticHostname) by a process that has gone"));
  host.request->name = "another";
  EXPECT_THAT(ask(rules::hostname_changed, event)->evidence,
              Contains("who asked it over D-Bus was not seen"));
}

TEST_F(HostnameChanged, AsksTheBusAboutHostnamedAndTheHostsNameOnly) {
  host.request = {.method = "SetHostname", .name = "new", .pid = 77, .uid = 0, .comm = "hostnamectl"};
  host.program = "/usr/lib/systemd/systemd-hostnamed";
  ask(rules::hostname_changed, name_call(0, "old", "new"));  // in a namespace of a container
  Event event = name_call(0, "old", "new");
  event.actor.utsns = kHostUts;
  host.program = "/usr/sbin/dhclient";
  ask(rules::hostname_changed, event);
  host.program = "/home/mallory/systemd-hostnamed";
  ask(rules::hostname_changed, event);
  EXPECT_EQ(host.asked["request_for"], 0);
}

TEST_F(HostnameChanged, TheEngineRemembersWhatItDiagnosed) {
  Engine engine(host, kHostUts);
  engine.diagnose(name_call(0, "old", "new"));
  EXPECT_THAT(engine.diagnose(name_call(0, "new", "old")).evidence, Contains(HasSubstr("flap")));
}

TEST_F(HostnameChanged, ACallThatFailedAndTheSameNameAreNoChange) {
  EXPECT_FALSE(ask(rules::hostname_changed, name_call(EPERM, "old", "new")));
  EXPECT_FALSE(ask(rules::hostname_changed, name_call(0, "old", "old")));
  EXPECT_FALSE(ask(rules::hostname_changed, path_bind(0)));
}

}  // namespace
}  // namespace sockward::test
