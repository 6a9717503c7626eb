// policy_denied: a layer above modes and capabilities said no: one that was seen to refuse
// (rules/observed_refusal.cpp), or what remains when they allow the call (rules/policy_denied.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using PolicyDenied = PermissionTest;

// seen to refuse

TEST_F(PolicyDenied, OneOfASeccompFilterTakesTheCertaintyFromEverythingElse) {
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

TEST_F(PolicyDenied, OneOfAHookIsCertainWhateverElseCouldExplainIt) {
  Event event = inet_bind(EACCES, tcp4("127.0.0.1", 80));
  event.lsm_refused = true;
  EXPECT_EQ(after({}, event).policy, "lsm");
  EXPECT_EQ(after({}, event).confidence, Confidence::certain);
  event.lsm_refused = false;
  event.cgroup_refused = true;
  EXPECT_EQ(after({}, event).policy, "cgroup_bpf");
  EXPECT_EQ(after({}, event).confidence, Confidence::certain);
}

// what remains

TEST_F(PolicyDenied, WhatModesAllowIsAPolicyAndNeverCertain) {
  host.trace = trace_of(0777);
  const Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.cause, Cause::policy_denied);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.policy, "unknown");
  host.trace->searched.back().has_acl = true;
  EXPECT_EQ(diagnose(bind).cause, Cause::unknown) << "the list may deny it";
  host.files_visible = false;
  EXPECT_EQ(diagnose(bind).cause, Cause::unknown) << "nothing could be looked at";
}

TEST_F(PolicyDenied, ALinkOfAnotherUserInAStickyDirectoryMayBeProtected) {
  host.trace = trace_of(01777, socket_step(0777));
  host.trace->links = {link("/run/app/x")};
  host.trace->links[0].object.uid = 1000;
  Diagnosis found = diagnose(connect);
  EXPECT_EQ(found.cause, Cause::policy_denied);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("fs.protected_symlinks=1")));
  host.trace->object = socket_step(0600);
  found = diagnose(connect);
  EXPECT_EQ(found.cause, Cause::socket_permission);
  EXPECT_EQ(found.confidence, Confidence::likely) << "the link may have been refused first";
}

TEST_F(PolicyDenied, RefusedInetCallsThatNothingElseExplains) {
  Event connect_inet = inet_bind(EACCES, tcp4("192.0.2.1", 80));
  connect_inet.syscall = Syscall::connect;
  EXPECT_EQ(diagnose(connect_inet).cause, Cause::policy_denied);
  EXPECT_EQ(diagnose(inet_bind(EACCES, tcp4("0.0.0.0", 8080))).cause, Cause::policy_denied);
  EXPECT_EQ(diagnose(inet_bind(EACCES, tcp4("0.0.0.0", 80))).cause, Cause::privileged_port);
}

TEST_F(PolicyDenied, LayersAreAskedOfTheHostAndNeverCertain) {
  Event event = inet_bind(EACCES, tcp4("192.0.2.1", 80));
  event.syscall = Syscall::connect;
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

TEST_F(PolicyDenied, ADatagramPeerThatIsConnectedToAnotherSocketIsTheKernelsOwnAnswer) {
  host.trace = trace_of(0755, socket_step(0777));
  Event event = with_groups(path_connect(EPERM));
  EXPECT_EQ(diagnose(event).cause, Cause::policy_denied);
  call_of(event).type = SOCK_DGRAM;
  const Diagnosis found = diagnose(event);
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("the peer is connected to another socket")));
}

TEST_F(PolicyDenied, OtherErrorsAndCallsThatSucceedAreNoRefusal) {
  EXPECT_NE(diagnose(inet_bind(EADDRINUSE, tcp4("0.0.0.0", 8080))).cause, Cause::policy_denied);
  EXPECT_NE(diagnose(inet_connect(ECONNREFUSED, tcp4("127.0.0.1", 80))).cause, Cause::policy_denied);
  Event done = path_bind(0);
  done.seccomp_refused = done.lsm_refused = true;
  EXPECT_NE(diagnose(done).cause, Cause::policy_denied);
}

TEST_F(PolicyDenied, ASendThatEverythingAllowsIsAPolicyAndEpermTheKernelsOwnAnswer) {
  host.trace = trace_of(0755, socket_step(0777));
  EXPECT_EQ(diagnose(with_groups(path_send(EACCES))).cause, Cause::policy_denied);
  const Diagnosis found = diagnose(with_groups(path_send(EPERM)));
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("sendto of a datagram socket returned EPERM")));
}

}  // namespace
}  // namespace sockward::test
