// policy_denied by the audit message of AppArmor or SELinux: which message belongs to a call
// (diagnose/denial_fact.cpp), and what is claimed by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using namespace std::string_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

AuditedDenial apparmor(const std::string& operation, const std::string& name) {
  AuditedDenial denial;
  denial.module = AuditedDenial::Module::apparmor;
  denial.serial = 42;
  denial.tgid = 4121;
  denial.subject = "ergo_profile";
  denial.kind = "file";
  denial.operation = operation;
  denial.requested = denial.denied = "c";
  denial.name = name;
  denial.whole_path = true;
  return denial;
}

AuditedDenial apparmor_socket(const std::string& operation, const std::string& family) {
  AuditedDenial denial = apparmor(operation, "");
  denial.whole_path = false;
  denial.kind = "net";
  denial.family = family;
  denial.type = "stream";
  return denial;
}

AuditedDenial selinux(const std::string& permission, const std::string& kind) {
  AuditedDenial denial;
  denial.module = AuditedDenial::Module::selinux;
  denial.serial = 43;
  denial.tgid = 4121;
  denial.subject = "u:r:ergo_t:s0";
  denial.object = "u:object_r:var_run_t:s0";
  denial.operation = permission;
  denial.kind = kind;
  return denial;
}

PathStep numbered_socket(std::uint64_t inode) {
  PathStep step = socket_step(0777);
  step.object.inode = inode;
  return step;
}

class AuditedPolicy : public PermissionTest {
 protected:
  AuditedPolicy() { host.trace = trace_of(0777); }
  Diagnosis with(const AuditedDenial& denial, const Event& event) {
    host.denials = {denial};
    return diagnose(event);
  }
  void expect_certain(const AuditedDenial& denial, const Event& event, const std::string& profile) {
    const Diagnosis found = with(denial, event);
    EXPECT_EQ(found.cause, Cause::policy_denied);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_EQ(found.policy, "lsm");
    EXPECT_EQ(found.policy_profile, profile);
  }
  void expect_likely(const AuditedDenial& denial, const Event& event) {
    const Diagnosis found = with(denial, event);
    EXPECT_EQ(found.cause, Cause::policy_denied);
    EXPECT_EQ(found.confidence, Confidence::likely);
    EXPECT_EQ(found.policy, "lsm");
  }
  void expect_unused(const AuditedDenial& denial, const Event& event) {
    EXPECT_EQ(with(denial, event).policy_profile, "");
  }
};

// messages that prove it

TEST_F(AuditedPolicy, AppArmorNamesTheProfileAndThePath) {
  expect_certain(apparmor("mknod", "/run/app/x"), bind, "ergo_profile");
  const Diagnosis found = diagnose(bind);
  EXPECT_THAT(found.evidence, Contains("AppArmor refused mknod of /run/app/x to profile \"ergo_profile\": "
                                       "requested c, denied c (audit message 42)"));
  EXPECT_THAT(found.advice, HasSubstr("aa-logprof"));
  EXPECT_THAT(found.advice, HasSubstr("\"/run/app/x\" w,"));
  host.trace = trace_of(0777, socket_step(0777));
  expect_certain(apparmor("unlink", "/run/app/x"),
                 with_groups(path_call(Syscall::unlink, EACCES, "/run/app/x")), "ergo_profile");
}

TEST_F(AuditedPolicy, AppArmorHasThePathWithLinksFollowed) {
  expect_certain(apparmor("mknod", "/run/app/x"), with_groups(path_bind(EACCES, "/var/run/app//x")),
                 "ergo_profile");
}

TEST_F(AuditedPolicy, SELinuxNamesBothContextsAndThePort) {
  AuditedDenial port = selinux("name_bind", "tcp_socket");
  port.source_port = 8080;
  const Event event = inet_bind(EACCES, tcp4("127.0.0.1", 8080));
  expect_certain(port, event, "u:r:ergo_t:s0");
  const Diagnosis found = diagnose(event);
  EXPECT_THAT(
      found.evidence,
      Contains("SELinux refused name_bind on tcp_socket port 8080: source context u:r:ergo_t:s0, target "
               "context u:object_r:var_run_t:s0 (audit message 43)"));
  EXPECT_THAT(found.advice, HasSubstr("semanage port -a -t TYPE -p tcp 8080"));
  AuditedDenial connecting = selinux("name_connect", "tcp_socket");
  connecting.destination_port = 8081;
  expect_certain(connecting, inet_connect(EACCES, tcp4("127.0.0.1", 8081)), "u:r:ergo_t:s0");
}

TEST_F(AuditedPolicy, APortIsNoAddressSoARouteThatRefusesToo) {
  AuditedDenial connecting = selinux("name_connect", "tcp_socket");
  connecting.destination_port = 8081;
  const Event event = inet_connect(EACCES, tcp4("192.0.2.1", 8081));
  expect_certain(connecting, event, "u:r:ergo_t:s0");
  host.route_answer = EACCES;  // a prohibit route: the message may be about another address
  EXPECT_NE(with(connecting, event).confidence, Confidence::certain);
}

TEST_F(AuditedPolicy, SELinuxHasTheLastComponentAndTheNumberOfAFile) {
  host.trace = trace_of(0777, numbered_socket(10));
  AuditedDenial denial = selinux("unlink", "sock_file");
  denial.name = "x";
  denial.inode = 10;
  const Event unlink = with_groups(path_call(Syscall::unlink, EACCES, "/run/app/x"));
  expect_certain(denial, unlink, "u:r:ergo_t:s0");
  denial.inode = 11;
  expect_unused(denial, unlink);
  AuditedDenial connecting = selinux("connectto", "unix_stream_socket");
  connecting.name = "/run/app/x";
  connecting.whole_path = true;
  expect_certain(connecting, connect, "u:r:ergo_t:s0");
  host.trace = trace_of(0777);
  AuditedDenial making = selinux("create", "sock_file");
  making.name = "x";
  expect_certain(making, bind, "u:r:ergo_t:s0");
}

TEST_F(AuditedPolicy, AnAbstractNameIsComparedWithItsNul) {
  Event event = path_connect(EACCES, "/x");
  call_of(event).address = {.kind = AddressKind::abstract, .family = AF_UNIX, .name = "bus"};
  AuditedDenial denial = selinux("connectto", "unix_stream_socket");
  denial.whole_path = true;
  denial.name = "\0bus"s;
  expect_certain(denial, event, "u:r:ergo_t:s0");
  denial.name = "\0bus2"s;
  expect_unused(denial, event);
}

// messages that do not

TEST_F(AuditedPolicy, OneWithAnotherNameIsOfAnotherCall) {
  expect_unused(apparmor("mknod", "/run/app/other"), bind);
  expect_unused(apparmor("unlink", "/run/app/x"), bind);
  expect_unused(apparmor("mknod", "/run/app/x"), connect);
  expect_unused(apparmor_socket("bind", "unix"), inet_bind(EACCES, tcp4("127.0.0.1", 8080)));
  AuditedDenial port = selinux("name_bind", "tcp_socket");
  port.source_port = 8081;
  expect_unused(port, inet_bind(EACCES, tcp4("127.0.0.1", 8080)));
  AuditedDenial making = selinux("create", "sock_file");
  making.name = "other";
  expect_unused(making, bind);
  EXPECT_EQ(with(apparmor("mknod", "/run/app/x"), path_bind(EADDRINUSE)).policy, "") << "no refusal";
}

TEST_F(AuditedPolicy, ModesThatRefuseAreTheCauseWhateverAMessageSays) {
  host.trace = trace_of(0755);
  const Diagnosis found = with(apparmor("mknod", "/run/app/x"), bind);
  EXPECT_EQ(found.cause, Cause::directory_not_writable);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(host.asked["denials_of"], 0) << "nothing is waited for";
  host.mounts_now = kMountEvent + 1;  // no more proven
  EXPECT_NE(with(apparmor("mknod", "/run/app/x"), bind).confidence, Confidence::certain);
}

TEST_F(AuditedPolicy, OneThatNamesOnlyTheOperationIsLikely) {
  expect_likely(apparmor_socket("bind", "inet"), inet_bind(EACCES, tcp4("127.0.0.1", 8080)));
  AuditedDenial capability = apparmor("capable", "");
  capability.whole_path = false;
  capability.capability = 10;
  Event low = inet_bind(EACCES, tcp4("127.0.0.1", 80));
  low.actor = with_capability(low.actor, 10);
  expect_likely(capability, low);
  AuditedDenial somewhere = apparmor("mknod", "/elsewhere/x");  // a root of its own?
  expect_likely(somewhere, bind);
}

TEST_F(AuditedPolicy, OneWhoseNameMayBeOfAnotherFolderNeedsModesThatAllowTheCall) {
  AuditedDenial making = selinux("create", "sock_file");
  making.name = "x";
  host.files_visible = false;
  expect_likely(making, bind);
}

TEST_F(AuditedPolicy, TwoThatFitAndNameDifferentProfilesAreNotCertain) {
  AuditedDenial other = apparmor("mknod", "/run/app/x");
  other.serial = 44;
  other.subject = "another";
  host.denials = {apparmor("mknod", "/run/app/x"), other};
  const Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.policy_profile, "");
}

TEST_F(AuditedPolicy, OneMessageExplainsOneCall) {
  host.denials = {apparmor("mknod", "/run/app/x")};
  before = {bind};
  EXPECT_EQ(diagnose(bind).policy, "unknown");
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely);
}

TEST_F(AuditedPolicy, AClockThatWasSetMakesItLikely) {
  host.clock_was_set = true;
  expect_likely(apparmor("mknod", "/run/app/x"), bind);
}

// with the hook

TEST_F(AuditedPolicy, AHookThatWasSeenIsCertainAndTheMessageSaysWho) {
  Event event = inet_bind(EACCES, tcp4("127.0.0.1", 8080));
  event.lsm_refused = true;
  expect_certain(apparmor_socket("bind", "inet"), event, "ergo_profile");
  EXPECT_THAT(diagnose(event).advice, HasSubstr("network inet stream,"));
  AuditedDenial named = apparmor_socket("bind", "inet");
  named.source_port = 8081;
  expect_unused(named, event);
  EXPECT_EQ(diagnose(event).confidence, Confidence::certain) << "a module refused, whoever it was";
}

}  // namespace
}  // namespace sockward::test
