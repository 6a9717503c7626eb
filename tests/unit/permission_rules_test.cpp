// Denied permissions: the very component, and never a certainty that modes alone do not give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnose/engine.hpp"
#include "diagnose/permissions.hpp"
#include "host/process/proc_text.hpp"
#include "support/builders.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

PathStep directory(const std::string& path, std::uint32_t mode, std::uint32_t uid = 0,
                   std::uint32_t gid = 0) {
  return {path,
          {.kind = PathObject::Kind::directory,
           .uid = uid,
           .gid = gid,
           .mode = mode,
           .changed = {1},
           .exact_times = true},
          false};
}

PathStep socket_step(std::uint32_t mode, std::uint32_t uid = 0, std::uint32_t gid = 0) {
  return {"/run/app/x",
          {.kind = PathObject::Kind::socket,
           .uid = uid,
           .gid = gid,
           .mode = mode,
           .changed = {1},
           .exact_times = true},
          false};
}

PathStep link(const std::string& path) {
  return {path, {.kind = PathObject::Kind::symlink, .changed = {1}, .exact_times = true}, false};
}

PathTrace trace_of(std::uint32_t app_mode, std::optional<PathStep> object = {}, std::uint32_t app_uid = 0,
                   std::uint32_t app_gid = 0) {
  return {.searched = {directory("/", 0755), directory("/run", 0755),
                       directory("/run/app", app_mode, app_uid, app_gid)},
          .object = std::move(object),
          .links = {},
          .missing = {},
          .callers_view = true};
}

const Credentials kUser{.fsuid = 998, .fsgid = 998, .groups = {100}};

struct DenialCase {
  const char* what;
  PathTrace trace;
  Purpose purpose;
  std::optional<Denial::What> denial;
  const char* at;
};

TEST(PermissionTable, FollowsTheKernelsRules) {
  using What = Denial::What;
  const DenialCase cases[] = {
      {"root's directory", trace_of(0755), Purpose::create, What::write, "/run/app"},
      {"one's own directory", trace_of(0755, {}, 998), Purpose::create, std::nullopt, ""},
      {"a group that may write", trace_of(0775, {}, 0, 100), Purpose::create, std::nullopt, ""},
      {"the primary group", trace_of(0770, {}, 0, 998), Purpose::create, std::nullopt, ""},
      {"a group that may not, though others may", trace_of(0707, {}, 0, 100), Purpose::create, What::search,
       "/run/app"},
      {"an owner that may not, though others may", trace_of(0077, {}, 998), Purpose::create, What::search,
       "/run/app"},
      {"no search", trace_of(0700), Purpose::connect, What::search, "/run/app"},
      {"a sticky directory to make in", trace_of(01777), Purpose::create, std::nullopt, ""},
      {"a sticky directory, root's file", trace_of(01777, socket_step(0755)), Purpose::remove, What::sticky,
       "/run/app"},
      {"a sticky directory, one's own file", trace_of(01777, socket_step(0755, 998)), Purpose::remove,
       std::nullopt, ""},
      {"a sticky directory of one's own", trace_of(01777, socket_step(0755), 998), Purpose::remove,
       std::nullopt, ""},
      {"root's socket", trace_of(0755, socket_step(0755)), Purpose::connect, What::socket, "/run/app/x"},
      {"a socket of one's group", trace_of(0755, socket_step(0660, 0, 100)), Purpose::connect, std::nullopt,
       ""},
      {"a socket for all", trace_of(0755, socket_step(0777)), Purpose::connect, std::nullopt, ""}};
  for (const auto& c : cases) {
    const auto found = find_denial(c.trace, kUser, an_actor(), c.purpose);
    ASSERT_EQ(found.has_value(), c.denial.has_value()) << c.what;
    if (!found) continue;
    EXPECT_EQ(found->what, *c.denial) << c.what;
    EXPECT_EQ(found->step.path, c.at) << c.what;
  }
}

TEST(PermissionTable, CapabilitiesOverride) {
  const PathTrace closed = trace_of(0700, socket_step(0600));
  const Actor all = with_capability(an_actor(), CAP_DAC_OVERRIDE),
              search = with_capability(an_actor(), CAP_DAC_READ_SEARCH);
  EXPECT_FALSE(find_denial(closed, kUser, all, Purpose::connect));
  EXPECT_EQ(find_denial(closed, kUser, search, Purpose::connect)->what, Denial::What::socket);
  EXPECT_EQ(find_denial(closed, kUser, search, Purpose::create)->what, Denial::What::write);
  const PathTrace sticky = trace_of(01777, socket_step(0755));
  EXPECT_FALSE(find_denial(sticky, kUser, with_capability(an_actor(), CAP_FOWNER), Purpose::remove));
}

class PermissionRules : public ::testing::Test {
 protected:
  PermissionRules() { host.caller = kUser; }
  static Event with_groups(Event event) {
    event.actor.fsgid = 998;
    event.actor.groups = {100};
    return event;
  }
  Diagnosis diagnose(const Event& event) {
    Engine engine(host, kHostUts);
    return engine.diagnose(event);
  }
  FakeHost host;
  const Event bind = with_groups(unix_call(Syscall::bind, EACCES, "/run/app/x", 13));
  const Event connect = with_groups(unix_call(Syscall::connect, EACCES, "/run/app/x", 13));
};

TEST_F(PermissionRules, AdviseByNameWhereTheCallersFilesHaveOne) {
  host.trace = trace_of(0755, socket_step(0660, 0, 999));
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("into group 999 (and"));
  host.owner_names = IdNames{.user = "root", .group = "docker"};
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("into group docker (gid 999) (and"));
  host.trace = trace_of(0755, socket_step(0600, 0, 999));
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("run the client as uid 0 (root), or"));
  host.owner_names = IdNames{};
  EXPECT_THAT(diagnose(connect).advice, HasSubstr("run the client as uid 0, or"));
}

TEST_F(PermissionRules, NameTheComponentTheModeAndTheOwner) {
  host.trace = trace_of(0755);
  Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.cause, Cause::directory_not_writable);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/run/app has uid 0, gid 0, mode 0755")));
  EXPECT_THAT(found.evidence, Contains(HasSubstr("uid 998 (groups 998, 100)")));
  host.trace = trace_of(0700);
  EXPECT_EQ(diagnose(bind).cause, Cause::directory_not_searchable);
  EXPECT_EQ(diagnose(path_call(Syscall::unlinkat, EACCES, "/run/app/x")).cause,
            Cause::directory_not_searchable);
  host.trace = trace_of(0755, socket_step(0660, 0, 999));
  found = diagnose(connect);
  EXPECT_EQ(found.cause, Cause::socket_permission);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.advice, HasSubstr("group 999"));
}

TEST_F(PermissionRules, AStickyDirectoryDeniesRemovalWithEperm) {
  host.trace = trace_of(01777, socket_step(0755));
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EPERM, "/run/app/x")).cause, Cause::directory_not_writable);
  EXPECT_NE(diagnose(path_call(Syscall::unlink, EACCES, "/run/app/x")).cause, Cause::directory_not_writable)
      << "that would be EPERM";
}

TEST_F(PermissionRules, TheOwnersCapabilityOfAnotherUserNamespaceMayNotCountInAStickyDirectory) {
  host.trace = trace_of(01777, socket_step(0755));
  Event unlink = with_groups(path_call(Syscall::unlink, EPERM, "/run/app/x"));
  EXPECT_EQ(diagnose(unlink).confidence, Confidence::certain);
  unlink.actor = with_capability(unlink.actor, CAP_FOWNER);
  EXPECT_EQ(diagnose(unlink).cause, Cause::policy_denied) << "it overrides the owner";
  unlink.actor.userns = 4026532999;
  EXPECT_EQ(diagnose(unlink).cause, Cause::directory_not_writable);
  EXPECT_EQ(diagnose(unlink).confidence, Confidence::likely);
}

TEST_F(PermissionRules, EveryDoubtTakesCertaintyAway) {
  host.trace = trace_of(0755);
  host.trace->remote = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "NFS, FUSE";
  host.trace = trace_of(0755);
  host.trace->searched.back().has_acl = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "an access-control list";
  host.trace = trace_of(0755);
  host.trace->searched.back().object.changed = {1'100'000'000};
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "changed after the call";
  host.trace = trace_of(0755);
  EXPECT_EQ(diagnose(bind).confidence, Confidence::certain);
  Event cut = bind;
  cut.actor.groups_truncated = true;
  EXPECT_EQ(diagnose(cut).confidence, Confidence::likely) << "not all groups are recorded";
  Event unrecorded = bind;
  unrecorded.actor.groups.reset();
  EXPECT_EQ(diagnose(unrecorded).confidence, Confidence::likely) << "groups were read after the call";
  host.mounts_now = kMountEvent + 1;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "something was mounted since";
  host.mounts_now = kMountEvent;
  host.clock_was_set = true;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "file times cannot be compared";
  host.clock_was_set = false;
  host.trace->callers_view = false;
  EXPECT_EQ(diagnose(bind).confidence, Confidence::likely) << "another process's root";
}

TEST_F(PermissionRules, WhatModesAllowIsAPolicyAndNeverCertain) {
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

TEST_F(PermissionRules, ALinkOfAnotherUserInAStickyDirectoryMayBeProtected) {
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

TEST_F(PermissionRules, OtherLinksAreNotProtected) {
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

TEST_F(PermissionRules, RefusedInetCallsThatNothingElseExplains) {
  Event connect_inet = inet_bind(EACCES, tcp4("192.0.2.1", 80));
  connect_inet.syscall = Syscall::connect;
  EXPECT_EQ(diagnose(connect_inet).cause, Cause::policy_denied);
  EXPECT_EQ(diagnose(inet_bind(EACCES, tcp4("0.0.0.0", 8080))).cause, Cause::policy_denied);
  EXPECT_EQ(diagnose(inet_bind(EACCES, tcp4("0.0.0.0", 80))).cause, Cause::privileged_port);
}

TEST_F(PermissionRules, ATrueLoopShowsItsCircle) {
  host.trace = PathTrace{.searched = {},
                         .object = {},
                         .links = {link("/a"), link("/b"), link("/a")},
                         .missing = {},
                         .loops = true,
                         .callers_view = true};
  const Diagnosis found = diagnose(unix_call(Syscall::connect, ELOOP, "/a/x", 7));
  EXPECT_EQ(found.cause, Cause::symlink_loop);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/a -> /b -> /a")));
  host.trace->links = {link("/a"), link("/b"), link("/c")};
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ELOOP, "/a/x", 7)).confidence, Confidence::likely);
  host.trace->loops = false;
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ELOOP, "/a/x", 7)).cause, Cause::unknown);
}

TEST_F(PermissionRules, ALoopInADirectoryThatWasPutThereSinceIsNotCertain) {
  host.trace = PathTrace{.searched = {directory("/", 0755), directory("/d", 0755)},
                         .links = {link("/d/a"), link("/d/b"), link("/d/a")},
                         .loops = true,
                         .callers_view = true};
  const Event event = unix_call(Syscall::connect, ELOOP, "/d/a/x", 9);
  EXPECT_EQ(diagnose(event).confidence, Confidence::certain);
  host.trace->searched[0].object.changed = host.trace->searched[1].object.changed = {1'100'000'000};
  EXPECT_EQ(diagnose(event).cause, Cause::symlink_loop);
  EXPECT_EQ(diagnose(event).confidence, Confidence::likely) << "another directory may have had the name";
}

TEST(ProcStatus, GivesFileSystemIdsAndGroups) {
  const auto found = credentials_of("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t10 20 \n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fsuid, 4u);
  EXPECT_EQ(found->fsgid, 8u);
  EXPECT_EQ(found->groups, (std::vector<std::uint32_t>{10, 20}));
  EXPECT_FALSE(credentials_of("Uid:\t1\n"));
  EXPECT_FALSE(credentials_of(""));
}

}  // namespace
}  // namespace sockward::test
