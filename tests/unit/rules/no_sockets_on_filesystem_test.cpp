// no_sockets_on_filesystem: the file system has no socket files, or may have none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr long kProc = 0x9fa0, kMqueue = 0x19800202, kFuse = 0x65735546, kExt4 = 0xEF53;

class NoSocketsOnFilesystem : public PathTest {
 protected:
  NoSocketsOnFilesystem() {
    host.caller = Credentials{};  // root: modes allow it
    on(kMqueue);
  }
  void on(long magic) {
    host.trace =
        PathTrace{.searched = {{.path = "/", .object = folder()}, {.path = "/m", .object = folder()}},
                  .file_system = magic,
                  .callers_view = true};
  }
  const Event refused = path_bind(EPERM, "/m/s");
};

TEST_F(NoSocketsOnFilesystem, OneThatNeverHasSocketsIsCertain) {
  for (const int error : {EPERM, EOPNOTSUPP}) {
    const Diagnosis found = diagnose(path_bind(error, "/m/s"));
    EXPECT_EQ(found.cause, Cause::no_sockets_on_filesystem) << error;
    EXPECT_EQ(found.confidence, Confidence::certain);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("/m is on mqueue, where no socket file can be created")));
  }
}

TEST_F(NoSocketsOnFilesystem, ProcSaysThatSomethingIsMissing) {
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

TEST_F(NoSocketsOnFilesystem, OneWhoseServerDecidesIsLikely) {
  on(kFuse);
  const Diagnosis found = diagnose(refused);
  EXPECT_EQ(found.cause, Cause::no_sockets_on_filesystem);
  EXPECT_EQ(found.confidence, Confidence::likely);
}

TEST_F(NoSocketsOnFilesystem, AMountThatCameAfterTheCallIsNotCertain) {
  host.mounts_now = kMountEvent + 1;
  EXPECT_NE(diagnose(refused).confidence, Confidence::certain);
}

TEST_F(NoSocketsOnFilesystem, OnOneThatHasSocketsItIsAPolicy) {
  on(kExt4);
  Event event = refused;
  event.actor.groups = std::vector<std::uint32_t>{};
  EXPECT_EQ(diagnose(event).cause, Cause::policy_denied);
  on(kMqueue);
  EXPECT_EQ(diagnose(event).cause, Cause::no_sockets_on_filesystem);
}

TEST_F(NoSocketsOnFilesystem, OtherErrorsAndCallsMakeNoSocketFile) {
  EXPECT_NE(diagnose(path_bind(EACCES, "/m/s")).cause, Cause::no_sockets_on_filesystem);
  EXPECT_NE(diagnose(path_connect(EPERM, "/m/s")).cause, Cause::no_sockets_on_filesystem);
  host.trace->object = PathStep{"/m/s", socket_file(6, kOld)};
  EXPECT_NE(diagnose(refused).cause, Cause::no_sockets_on_filesystem) << "there is one";
}

}  // namespace
}  // namespace sockward::test
