// path_occupied: what lies at the path is no socket, and lay there at the call.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using PathOccupied = DiagnosisTest;

TEST_F(PathOccupied, SomethingElseAtThePathOccupiesIt) {
  for (const auto kind : {PathObject::Kind::file, PathObject::Kind::directory, PathObject::Kind::symlink,
                          PathObject::Kind::fifo}) {
    host.objects["/run/x"] = {.kind = kind, .changed = {1}, .born = {}};
    EXPECT_EQ(diagnose(kBusy).cause, Cause::path_occupied);
    EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain);
  }
  host.objects["/run/x"].changed = {static_cast<std::int64_t>(kAfter)};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::certain) << "its name was not made after the call";
  host.objects["/run"] = {.kind = PathObject::Kind::directory,
                          .mode = 0755,
                          .changed = {static_cast<std::int64_t>(kAfter)},
                          .exact_times = true};
  EXPECT_EQ(diagnose(kBusy).confidence, Confidence::likely);
  host.objects["/run/x"].exact_times = true;
  EXPECT_EQ(diagnose(kBusy).cause, Cause::unknown) << "it was put there after the call";
  host.objects["/run/x"].exact_times = false;
  host.objects.erase("/run");
  EXPECT_EQ(diagnose(unix_call(Syscall::connect, ECONNREFUSED, "/run/x", 9)).cause, Cause::path_occupied);
  host.objects.clear();
  EXPECT_EQ(diagnose(kBusy).cause, Cause::unknown);
}

TEST_F(PathOccupied, ASocketOtherErrorsAndOtherCallsAreNotThat) {
  host.objects["/run/x"] = socket_file(5, 1);
  EXPECT_EQ(diagnose(kBusy).cause, Cause::stale_socket);
  host.objects["/run/x"].kind = PathObject::Kind::file;
  EXPECT_NE(diagnose(path_bind(EACCES, "/run/x")).cause, Cause::path_occupied);
  EXPECT_NE(diagnose(path_connect(ENOENT, "/run/x")).cause, Cause::path_occupied);
  EXPECT_NE(diagnose(path_call(Syscall::unlink, EPERM, "/run/x")).cause, Cause::path_occupied);
}

TEST_F(PathOccupied, OfASendAsOfAConnect) {
  host.objects["/run/x"] = {.kind = PathObject::Kind::file, .changed = {1}, .born = {}};
  EXPECT_EQ(diagnose(path_send(ECONNREFUSED, "/run/x")).cause, Cause::path_occupied);
}

}  // namespace
}  // namespace sockward::test
