// directory_not_searchable: a directory on the way denies, whatever lies behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using DirectoryNotSearchable = PermissionTest;

TEST_F(DirectoryNotSearchable, NamesTheDirectoryTheModeAndTheOwner) {
  host.trace = trace_of(0700);
  const Diagnosis found = diagnose(bind);
  EXPECT_EQ(found.cause, Cause::directory_not_searchable);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("/run/app has uid 0, gid 0, mode 0700")));
  EXPECT_EQ(diagnose(path_call(Syscall::unlinkat, EACCES, "/run/app/x")).cause,
            Cause::directory_not_searchable);
}

}  // namespace
}  // namespace sockward::test
