// path_missing: which component was not there. What exists by now is said, and is no proof.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.hpp"

namespace sockward::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using PathMissing = PathTest;

TEST_F(PathMissing, AMissingSocketFileIsCertainInADirectoryThatHasNotChangedSince) {
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("/run/app/x does not exist"));
  EXPECT_THAT(found.advice, HasSubstr("start the server"));
}

TEST_F(PathMissing, WhereNamesCameAndWentSinceItIsLikely) {
  host.objects["/run/app"] = folder(kSince);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("/run/app was changed 100.0 ms after the call")));
  host.objects.clear();
  host.mounts_now = kMountEvent + 1;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).confidence, Confidence::likely) << "something was mounted since";
}

TEST_F(PathMissing, TheFirstComponentThatIsMissingIsNamed) {
  lack("/run/app");
  for (const Event& event : {path_connect(ENOENT), path_bind(ENOENT)}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::path_missing);
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains("/run/app does not exist"));
    EXPECT_THAT(found.advice, HasSubstr("RuntimeDirectory="));
  }
}

TEST_F(PathMissing, ANameWithASlashAtItsEndIsNoDirectoryToBeMade) {
  lack("/run/app");
  EXPECT_THAT(diagnose(path_bind(ENOENT, "/run/app/")).advice, HasSubstr("remove the slash"));
  EXPECT_THAT(diagnose(path_bind(ENOENT, "/run/app/x/")).advice, HasSubstr("create the directory"));
  EXPECT_THAT(diagnose(path_connect(ENOENT, "/run/app/")).advice, HasSubstr("create the directory"));
}

TEST_F(PathMissing, WhatDoesNotFitTheErrorIsNotCertain) {
  lack("/run/app");
  EXPECT_EQ(diagnose(path_bind(ENOTDIR)).confidence, Confidence::likely);
  lack("/run/app", true);
  EXPECT_EQ(diagnose(path_bind(ENOENT)).confidence, Confidence::likely);
}

TEST_F(PathMissing, AFileWhereADirectoryIsNeededIsNamed) {
  lack("/run/app", true);
  const Diagnosis found = diagnose(path_bind(ENOTDIR));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains("/run/app is not a directory"));
  EXPECT_THAT(found.advice, HasSubstr("correct the path"));
}

TEST_F(PathMissing, AClientThatStartedBeforeItsServerIsRecognised) {
  host.objects["/run/app/x"] = socket_file(6, kSince);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_THAT(found.evidence, Contains("/run/app/x was made 100.0 ms after the call"));
  EXPECT_THAT(found.advice, HasSubstr("After="));
  host.objects["/run/app/x"].born = WallTime{kOld};
  EXPECT_NE(diagnose(path_connect(ENOENT)).confidence, Confidence::certain) << "it is older than the call";
}

TEST_F(PathMissing, ADirectoryThatExistsByNowIsLikely) {
  const Diagnosis found = diagnose(path_bind(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
}

TEST_F(PathMissing, APathThatIsNotVisibleIsLikely) {
  host.files_visible = false;
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("not visible")));
}

TEST_F(PathMissing, AServerWhoseFileWasRemovedIsNamedAndToBeRestarted) {
  serve("/run/app/x", 0);
  const Diagnosis found = diagnose(path_connect(ENOENT));
  EXPECT_EQ(found.cause, Cause::path_missing);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("still serves a socket that had this name")));
  EXPECT_THAT(found.advice, HasSubstr("restart pid 42"));
}

TEST_F(PathMissing, AServerOfTheSameLastNameElsewhereIsARemark) {
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

TEST_F(PathMissing, OtherErrorsAndNamesThatAreNoPathsAreNotMissing) {
  EXPECT_NE(diagnose(path_connect(EACCES)).cause, Cause::path_missing);
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::path_missing);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, ENOENT, "/run/app/x")).cause, Cause::unknown);
  Event relative = path_connect(ENOENT, "app/x");
  std::get<SocketCall>(relative.call).directory.state = Directory::State::unknown;
  EXPECT_EQ(diagnose(relative).cause, Cause::unknown) << "where it begins is not known";
}

TEST_F(PathMissing, OfASendAsOfAConnect) {
  for (const Syscall call : {Syscall::sendto, Syscall::sendmsg, Syscall::sendmmsg})
    EXPECT_EQ(diagnose(path_send(ENOENT, "/run/app/none", call)).cause, Cause::path_missing);
}

}  // namespace
}  // namespace sockward::test
