// name_stolen: a bind took the name of a server that still listens. A restart takes it from nobody.
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

Event taking_bind(std::uint64_t old_inode) {
  Event event = unix_call(Syscall::bind, 0, "/run/redis.sock", 110);
  call_of(event).replaced = FileId{.device = 8, .inode = old_inode};
  return event;
}

using NameStolen = DiagnosisTest;

TEST_F(NameStolen, ANameTakenFromALiveListenerIsStolen) {
  open(file_name(5), owner(42, "redis-server", 555));
  host.open_sockets[0].links = 0;
  host.open_at_start = host.open_sockets;
  const Diagnosis found = diagnose(taking_bind(5));
  EXPECT_EQ(found.cause, Cause::name_stolen);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(found.holder->pid, 42u);
}

TEST_F(NameStolen, AnotherPathMayBeAnotherNameAndIsNotCertain) {
  open(file_name(5), owner(42, "redis-server", 555));
  host.open_sockets[0].links = 0;
  host.open_sockets[0].path = "/run/redis.sock";
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::certain);
  host.open_sockets[0].path = "/run/old/redis.sock";
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::name_stolen);
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::likely);
  host.open_sockets[0].path = "redis.sock";
  EXPECT_EQ(diagnose(taking_bind(5)).confidence, Confidence::certain) << "a relative one says nothing";
}

TEST_F(NameStolen, ARestartARenameAndAnotherFileAreNoTheft) {
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::unknown);  // the old server has gone
  open(file_name(5), owner(42, "redis-server", 555));         // it was renamed: its file has a name
  EXPECT_EQ(diagnose(taking_bind(5)).cause, Cause::unknown);
  host.open_sockets[0].links = 0;
  EXPECT_EQ(diagnose(taking_bind(6)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
