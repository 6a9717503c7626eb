// socket_permission: the socket file denies a connect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;

using SocketPermission = PermissionTest;

TEST_F(SocketPermission, NamesTheGroupThatMayConnect) {
  host.trace = trace_of(0755, socket_step(0660, 0, 999));
  const Diagnosis found = diagnose(connect);
  EXPECT_EQ(found.cause, Cause::socket_permission);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.advice, HasSubstr("group 999"));
}

TEST_F(SocketPermission, AdvisesByNameWhereTheCallersFilesHaveOne) {
  host.trace = trace_of(0755, socket_step(0660, 0, 999));
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("into group 999 (and"));
  host.owner_names = IdNames{.users = {{0, "root"}}, .groups = {{999, "docker"}}};
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("into group docker (gid 999) (and"));
  host.trace = trace_of(0755, socket_step(0600, 0, 999));
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("run the client as uid 0 (root), or"));
  host.owner_names = IdNames{};
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("run the client as uid 0, or"));
}

TEST_F(SocketPermission, OtherLinksAreNotProtected) {
  const auto refused = [&](std::uint32_t mode, std::uint32_t owner, const char* path) {
    host.trace = trace_of(mode, socket_step(0600));
    host.trace->links = {link(path)};
    host.trace->links[0].object.uid = owner;
    return diagnose(connect).confidence;
  };
  EXPECT_EQ(refused(01777, 1000, "/run/app/x"), Confidence::likely);
  EXPECT_EQ(refused(0777, 1000, "/run/app/x"), Confidence::certain) << "not sticky";
  EXPECT_EQ(refused(01775, 1000, "/run/app/x"), Confidence::certain) << "not for all to write";
  EXPECT_EQ(refused(01777, 998, "/run/app/x"), Confidence::certain) << "the caller's own";
  EXPECT_EQ(refused(01777, 0, "/run/app/x"), Confidence::certain) << "the directory's owner's";
  EXPECT_EQ(refused(01777, 1000, "/run/app/d"), Confidence::certain) << "not at the end of the path";
}

TEST_F(SocketPermission, OneThatTheCallerMayWriteAndABindAreNotDeniedByIt) {
  host.trace = trace_of(0755, socket_step(0777));
  EXPECT_EQ(diagnose(connect).cause, Cause::policy_denied);
  host.trace = trace_of(0755, socket_step(0600, 998));
  EXPECT_NE(diagnose(connect).cause, Cause::socket_permission) << "the caller's own";
  host.trace = trace_of(0755, socket_step(0600));
  EXPECT_EQ(diagnose(connect).cause, Cause::socket_permission);
  EXPECT_EQ(diagnose(bind).cause, Cause::directory_not_writable);
  Event privileged = connect;
  privileged.actor = with_capability(privileged.actor, CAP_DAC_OVERRIDE);
  EXPECT_NE(diagnose(privileged).cause, Cause::socket_permission);
}

TEST_F(SocketPermission, OfASendAsOfAConnectButNotToAConnectedPeer) {
  host.trace = trace_of(0755, socket_step(0600));
  Event send = with_groups(path_send(EACCES));
  EXPECT_EQ(diagnose(send).cause, Cause::socket_permission);
  EXPECT_EQ(diagnose(send).confidence, Confidence::certain);
  call_of(send).of_peer = true;
  EXPECT_EQ(diagnose(send).cause, Cause::unknown) << "no path is walked";
}

}  // namespace
}  // namespace sockward::test
