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

TEST_F(DirectoryNotSearchable, OneThatWasOpenedSinceIsInferredAndLikely) {
  host.trace = trace_of(0755, socket_step(0777));
  host.trace->searched.back().object.changed = {kAfter};
  const Diagnosis found = diagnose(connect);
  EXPECT_EQ(found.cause, Cause::directory_not_searchable);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.unproven, Contains(HasSubstr("is inferred from what was changed after the call")));
}

TEST_F(DirectoryNotSearchable, WhoMaySearchItIsDeniedByWhatLiesBehind) {
  host.trace = trace_of(0711);
  EXPECT_EQ(diagnose(bind).cause, Cause::directory_not_writable);
  host.trace = trace_of(0711, socket_step(0755));
  EXPECT_EQ(diagnose(connect).cause, Cause::socket_permission);
  host.trace = trace_of(0700);
  Event reader = connect;
  reader.actor = with_capability(reader.actor, CAP_DAC_READ_SEARCH);
  EXPECT_NE(diagnose(reader).cause, Cause::directory_not_searchable);
  EXPECT_NE(diagnose(with_groups(path_bind(EPERM))).cause, Cause::directory_not_searchable)
      << "that would be EACCES";
}

TEST_F(DirectoryNotSearchable, OfASendAsOfAConnect) {
  host.trace = trace_of(0700);
  EXPECT_EQ(diagnose(with_groups(path_send(EACCES))).cause, Cause::directory_not_searchable);
}

}  // namespace
}  // namespace sockward::test
