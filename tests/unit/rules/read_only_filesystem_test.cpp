// read_only_filesystem: EROFS of a call that makes or removes a name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using ReadOnlyFilesystem = DiagnosisTest;

TEST_F(ReadOnlyFilesystem, ReadOnlyFileSystems) {
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EROFS, "/run/x", 9)).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EROFS, "/run/x")).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EACCES, "/run/x")).cause, Cause::unknown);
}

TEST_F(ReadOnlyFilesystem, IsCertainAndNamesThePath) {
  const Diagnosis found = diagnose(path_bind(EROFS, "/run/x"));
  EXPECT_EQ(found.cause, Cause::read_only_filesystem);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/run/x is on a file system that is read-only")));
}

TEST_F(ReadOnlyFilesystem, CallsWithoutAPathMeetNoFileSystem) {
  EXPECT_EQ(diagnose(inet_bind(EROFS, tcp4("127.0.0.1", 8080))).cause, Cause::unknown);
  EXPECT_EQ(diagnose(abstract_connect("name", EROFS)).cause, Cause::unknown);
  EXPECT_EQ(diagnose(name_call(EROFS, "old", "new")).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
