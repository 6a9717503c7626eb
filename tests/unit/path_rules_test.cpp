// Rules about paths that lead to no socket: a component is missing, a mount shows a removed file, or the file
// system has no sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/holders.hpp"

namespace sockward::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kOld = 1;  // long before the call at 1 s
constexpr std::int64_t kSince = 1'100'000'000;

Event path_connect(int error, const std::string& path = "/run/app/x") {
  return unix_call(Syscall::connect, error, path, 13);
}
Event path_bind(int error, const std::string& path = "/run/app/x") {
  return unix_call(Syscall::bind, error, path, 13);
}

PathObject folder(std::int64_t changed = kOld) {
  return {.kind = PathObject::Kind::directory,
          .mode = 0755,
          .changed = {changed},
          .modified = {changed},
          .exact_times = true};
}

class PathRules : public HolderRules {
 protected:
  /// The way ends at a component below /run that is not there.
  void lack(const std::string& component, bool is_file = false) {
    host.trace = PathTrace{.searched = {{"/", folder()}, {"/run", folder()}},
                           .missing = component,
                           .missing_is_file = is_file,
                           .callers_view = true};
  }
  OpenSocket& serve(const std::string& path, std::uint32_t links = 1) {
    SocketOwner who = owner(42, "app", 555);
    who.process.mntns = an_actor().mntns;
    host.open_sockets.push_back(
        {file_name(6), who, 3, SOCK_STREAM, OpenSocket::State::listening, path, links});
    return host.open_sockets.back();
  }
};

// path_missing

TEST_F(PathRules, AMissingSocketFileIsCertainInADirectoryThatHasNotChangedSince) {
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("/run/app/x does not exist"));
  EXPECT_THAT(found.advice, HasSubstr("start the server"));
}

TEST_F(PathRules, WhereNamesCameAndWentSinceItIsLikely) {
  host.objects["/run/app"] = folder(kSince);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("/run/app was changed 100.0 ms after the call")));
  host.objects.clear();
  host.mounts_now = kMountEvent + 1;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).confidence, Confidence::likely) << "something was mounted since";
}

TEST_F(PathRules, TheFirstComponentThatIsMissingIsNamed) {
  lack("/run/app");
  for (const Event& event : {path_connect(ENOENT), path_bind(ENOENT)}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::path_missing);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains("/run/app does not exist"));
    EXPECT_THAT(found.advice, HasSubstr("RuntimeDirectory="));
  }
}

TEST_F(PathRules, ANameWithASlashAtItsEndIsNoDirectoryToBeMade) {
  lack("/run/app");
  EXPECT_THAT(diagnose(path_bind(ENOENT, "/run/app/")).advice, HasSubstr("remove the slash"));
  EXPECT_THAT(diagnose(path_bind(ENOENT, "/run/app/x/")).advice, HasSubstr("create the directory"));
  EXPECT_THAT(diagnose(path_connect(ENOENT, "/run/app/")).advice, HasSubstr("create the directory"));
}

TEST_F(PathRules, WhatDoesNotFitTheErrorIsNotCertain) {
  lack("/run/app");
  EXPECT_EQ(diagnose(path_bind(ENOTDIR)).confidence, Confidence::likely);
  lack("/run/app", true);
  EXPECT_EQ(diagnose(path_bind(ENOENT)).confidence, Confidence::likely);
}

TEST_F(PathRules, AFileWhereADirectoryIsNeededIsNamed) {
  lack("/run/app", true);
  const Diagnosis found = diagnose(path_bind(ENOTDIR));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("/run/app is not a directory"));
  EXPECT_THAT(found.advice, HasSubstr("correct the path"));
}

TEST_F(PathRules, AClientThatStartedBeforeItsServerIsRecognised) {
  host.objects["/run/app/x"] = socket_file(6, kSince);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_THAT(found.evidence, Contains("/run/app/x was made 100.0 ms after the call"));
  EXPECT_THAT(found.advice, HasSubstr("After="));
  host.objects["/run/app/x"].born = WallTime{kOld};
  EXPECT_NE(diagnose(path_connect(ENOENT)).confidence, Confidence::certain) << "it is older than the call";
}

TEST_F(PathRules, ADirectoryThatExistsByNowIsLikely) {
  const Diagnosis found = diagnose(path_bind(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
}

TEST_F(PathRules, APathThatIsNotVisibleIsLikely) {
  host.files_visible = false;
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("not visible")));
}

TEST_F(PathRules, AServerWhoseFileWasRemovedIsNamedAndToBeRestarted) {
  serve("/run/app/x", 0);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("still serves a socket that had this name")));
  EXPECT_THAT(found.advice, HasSubstr("restart pid 42"));
}

TEST_F(PathRules, AServerOfTheSameLastNameElsewhereIsARemark) {
  serve("/var/lib/app/x");
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(AllOf(HasSubstr("same file name"), HasSubstr("/var/lib/app/x"))));
  EXPECT_FALSE(found.holder);
  const auto no_remark = Not(Contains(HasSubstr("same file name")));
  host.open_sockets[0].path = "/var/lib/app/xx";
  EXPECT_THAT(diagnose(path_connect(ENOENT)).evidence, no_remark);
  host.open_sockets[0].path = "/var/lib/app/x";
  lack("/run/app");
  EXPECT_THAT(diagnose(path_bind(ENOENT)).evidence, no_remark) << "who binds looks for no server";
}

TEST_F(PathRules, OtherErrorsAndNamesThatAreNoPathsAreNotMissing) {
  EXPECT_NE(diagnose(path_connect(EACCES)).cause, Cause::path_missing);
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::path_missing);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, ENOENT, "/run/app/x")).cause, Cause::unknown);
  Event relative = path_connect(ENOENT, "app/x");
  std::get<SocketCall>(relative.call).directory.state = Directory::State::unknown;
  EXPECT_EQ(diagnose(relative).cause, Cause::unknown) << "where it begins is not known";
}

// mounted_socket_gone

class MountedSocket : public PathRules {
 protected:
  MountedSocket() {
    host.objects["/run/app/x"] = socket_file(6, kOld);
    host.objects["/run/app/x"].links = 0;
    host.mounted = MountPoint{.point = "/run/app/x", .root = "/srv/app.sock", .source_removed = true};
  }
};

TEST_F(MountedSocket, IsCertainForEachCallThatMeetsIt) {
  for (const Event& event :
       {path_connect(ECONNREFUSED), path_bind(EADDRINUSE), path_call(Syscall::unlink, EBUSY, "/run/app/x"),
        path_call(Syscall::unlinkat, EBUSY, "/run/app/x")}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::mounted_socket_gone) << to_string(event.syscall);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("its link count is 0")));
    EXPECT_THAT(found.advice, HasSubstr("mount the directory"));
    EXPECT_FALSE(found.holder);
  }
}

TEST_F(MountedSocket, WhoServesTheNameAtTheSourceIsNamed) {
  serve("/srv/app.sock").name = file_name(7);
  Diagnosis found = diagnose(path_connect(ECONNREFUSED));
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens on /srv/app.sock, a new file")));
  host.open_sockets[0].links = 0;
  EXPECT_FALSE(diagnose(path_connect(ECONNREFUSED)).holder) << "that is the old one";
}

TEST_F(MountedSocket, ToWhichASocketIsStillBoundIsNotGone) {
  serve("/srv/app.sock", 0).state = OpenSocket::State::idle;
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens);
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE)).cause, Cause::address_in_use);
}

TEST_F(MountedSocket, AFileThatWasRemovedAfterTheCallWasMerelyStale) {
  host.objects["/run/app/x"].changed = {kSince};
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::stale_socket);
}

TEST_F(MountedSocket, WithALinkWithoutAMountOrAsAnotherFileItIsNot) {
  host.objects["/run/app/x"].links = 1;
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::stale_socket);
  host.objects["/run/app/x"].links = 0;
  host.mounted->source_removed = false;
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::mounted_socket_gone);
  host.mounted.reset();
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::mounted_socket_gone);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EBUSY, "/run/app/x")).cause, Cause::unknown);
  host.mounted = MountPoint{.point = "/run/app/x", .root = "/srv/app.sock", .source_removed = true};
  host.objects["/run/app/x"].kind = PathObject::Kind::file;
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::path_occupied);
}

// no_sockets_on_filesystem

constexpr long kProc = 0x9fa0, kMqueue = 0x19800202, kFuse = 0x65735546, kExt4 = 0xEF53;

class SocketlessFileSystems : public PathRules {
 protected:
  SocketlessFileSystems() {
    host.caller = Credentials{};  // root: modes allow it
    on(kMqueue);
  }
  void on(long magic) {
    host.trace = PathTrace{
        .searched = {{"/", folder()}, {"/m", folder()}}, .file_system = magic, .callers_view = true};
  }
  const Event refused = path_bind(EPERM, "/m/s");
};

TEST_F(SocketlessFileSystems, OneThatNeverHasSocketsIsCertain) {
  for (const int error : {EPERM, EOPNOTSUPP}) {
    const Diagnosis found = diagnose(path_bind(error, "/m/s"));
    EXPECT_EQ(found.cause, Cause::no_sockets_on_filesystem) << error;
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("/m is on mqueue, where no socket file can be created")));
  }
}

TEST_F(SocketlessFileSystems, ProcSaysThatSomethingIsMissing) {
  on(kProc);
  const Diagnosis found = diagnose(path_bind(ENOENT, "/m/s"));
  EXPECT_EQ(found.cause, Cause::no_sockets_on_filesystem);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_NE(diagnose(refused).cause, Cause::no_sockets_on_filesystem) << "something else refused";
  on(kMqueue);
  EXPECT_EQ(diagnose(path_bind(ENOENT, "/m/s")).cause, Cause::path_missing);
  on(kProc);
  host.trace->missing = "/m/s";
  EXPECT_EQ(diagnose(path_bind(ENOENT, "/m/s/t")).cause, Cause::path_missing);
}

TEST_F(SocketlessFileSystems, OneWhoseServerDecidesIsLikely) {
  on(kFuse);
  const Diagnosis found = diagnose(refused);
  EXPECT_EQ(found.cause, Cause::no_sockets_on_filesystem);
  EXPECT_EQ(found.confidence, Confidence::likely);
}

TEST_F(SocketlessFileSystems, AMountThatCameAfterTheCallIsNotCertain) {
  host.mounts_now = kMountEvent + 1;
  EXPECT_NE(diagnose(refused).confidence, Confidence::certain);
}

TEST_F(SocketlessFileSystems, OnOneThatHasSocketsItIsAPolicy) {
  on(kExt4);
  Event event = refused;
  event.actor.groups = std::vector<std::uint32_t>{};
  EXPECT_EQ(diagnose(event).cause, Cause::policy_denied);
  on(kMqueue);
  EXPECT_EQ(diagnose(event).cause, Cause::no_sockets_on_filesystem);
}

TEST_F(SocketlessFileSystems, OtherErrorsAndCallsMakeNoSocketFile) {
  EXPECT_NE(diagnose(path_bind(EACCES, "/m/s")).cause, Cause::no_sockets_on_filesystem);
  EXPECT_NE(diagnose(path_connect(EPERM, "/m/s")).cause, Cause::no_sockets_on_filesystem);
  host.trace->object = PathStep{"/m/s", socket_file(6, kOld)};
  EXPECT_NE(diagnose(refused).cause, Cause::no_sockets_on_filesystem) << "there is one";
}

}  // namespace
}  // namespace sockward::test
