// read_only_filesystem: EROFS of a call that makes or removes a name.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ReadOnlyFilesystem = DiagnosisTest;

TEST_F(ReadOnlyFilesystem, ReadOnlyFileSystems) {
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EROFS, "/run/x", 9)).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EROFS, "/run/x")).cause, Cause::read_only_filesystem);
  EXPECT_EQ(diagnose(path_call(Syscall::unlink, EACCES, "/run/x")).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
