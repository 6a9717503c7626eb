// symlink_loop: more than 40 links on the way, and the circle that they form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using SymlinkLoop = PermissionTest;

TEST_F(SymlinkLoop, ATrueLoopShowsItsCircle) {
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

TEST_F(SymlinkLoop, ALoopInADirectoryThatWasPutThereSinceIsNotCertain) {
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

TEST_F(SymlinkLoop, ARefusedLinkAndOtherErrorsAreNoLoop) {
  host.trace = PathTrace{.searched = {directory("/", 0755)},
                         .links = {link("/a"), link("/b"), link("/a")},
                         .loops = true,
                         .callers_view = true};
  EXPECT_NE(diagnose(path_connect(ENOENT, "/a/x")).cause, Cause::symlink_loop);
  Event event = path_call(Syscall::openat2, ELOOP, "/a/x");
  EXPECT_EQ(diagnose(event).cause, Cause::symlink_loop);
  std::get<PathCall>(event.call).resolve = 4;  // RESOLVE_NO_SYMLINKS
  EXPECT_NE(diagnose(event).cause, Cause::symlink_loop);
}

}  // namespace
}  // namespace sockward::test
