// mounted_socket_gone: the mount of a socket file shows one that was removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class MountedSocketGone : public PathTest {
 protected:
  MountedSocketGone() {
    host.objects["/run/app/x"] = socket_file(6, kOld);
    host.objects["/run/app/x"].links = 0;
    host.mounted = MountPoint{.point = "/run/app/x", .root = "/srv/app.sock", .source_removed = true};
  }
};

TEST_F(MountedSocketGone, IsCertainForEachCallThatMeetsIt) {
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

TEST_F(MountedSocketGone, WhoServesTheNameAtTheSourceIsNamed) {
  serve("/srv/app.sock").name = file_name(7);
  Diagnosis found = diagnose(path_connect(ECONNREFUSED));
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens on /srv/app.sock, a new file")));
  host.open_sockets[0].links = 0;
  EXPECT_FALSE(diagnose(path_connect(ECONNREFUSED)).holder) << "that is the old one";
}

TEST_F(MountedSocketGone, OneToWhichASocketIsStillBoundIsNotGone) {
  serve("/srv/app.sock", 0).state = OpenSocket::State::idle;
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens);
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE)).cause, Cause::address_in_use);
}

TEST_F(MountedSocketGone, AFileThatWasRemovedAfterTheCallWasMerelyStale) {
  host.objects["/run/app/x"].changed = {kSince};
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::stale_socket);
}

TEST_F(MountedSocketGone, WithALinkWithoutAMountOrAsAnotherFileItIsNot) {
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

}  // namespace
}  // namespace sockward::test
