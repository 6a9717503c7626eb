// accept_queue_full: the server of an AF_UNIX name had no room for one more connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using AcceptQueueFull = DiagnosisTest;

TEST_F(AcceptQueueFull, AFullQueueIsCertainWithAServerThatWasThereBeforeTheCall) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  OpenSocket& server = serve("/run/app/x", owner(42, "busy", 555));
  server.backlog = 1;
  server.queue = 2;
  EXPECT_EQ(diagnose(path_connect(EAGAIN)).confidence, Confidence::likely)
      << "it may have come after the call";
  host.binders = {{file_name(5), owner(42, "busy", 555, kBefore)}};
  const Diagnosis found = diagnose(path_connect(EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.unproven, IsEmpty());
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains("its backlog is 1; 2 connections wait now"));
}

TEST_F(AcceptQueueFull, AFullQueueOfAnAbstractNameIsFoundAndThatOfAServerThatHasGoneIsStillSo) {
  open(abstract_name("busy"), owner(42, "busy", 555));
  host.binders = {{abstract_name("busy"), owner(42, "busy", 555, kBefore)}};
  Diagnosis found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::certain);
  host.open_sockets.clear();
  host.binders.clear();
  found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_FALSE(found.holder);
}

TEST_F(AcceptQueueFull, TheServerOfAFullQueueIsNamedWhenItHasGoneSince) {
  SocketOwner server = owner(42, "busy", 555, kBefore);
  server.binding.listened = true;
  server.binding.released = {kAfter};
  host.binders = {{abstract_name("busy"), server}};
  const Diagnosis found = diagnose(abstract_connect("busy", EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  server.binding.released = {kBefore + 1};
  host.binders = {{abstract_name("busy"), server}};
  EXPECT_FALSE(diagnose(abstract_connect("busy", EAGAIN)).holder) << "it had gone before the call";
}

TEST_F(AcceptQueueFull, ABinderThatIsNotSeenIsTheServerOnlyIfThePathLedToItsFileAtTheCall) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  host.binders = {{file_name(5), owner(42, "busy", 555, kBefore)}};
  EXPECT_EQ(diagnose(path_connect(EAGAIN)).confidence, Confidence::certain) << "its socket is in flight";
  host.objects["/run/app/x"].changed = {kAfter};
  host.objects["/run/app"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  const Diagnosis found = diagnose(path_connect(EAGAIN));
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::likely) << "another file may have had the name";
}

TEST_F(AcceptQueueFull, DatagramsAndInternetSocketsHaveNoSuchQueue) {
  Event datagram = path_connect(EAGAIN);
  std::get<SocketCall>(datagram.call).type = SOCK_DGRAM;
  EXPECT_EQ(diagnose(datagram).cause, Cause::unknown);
  EXPECT_EQ(diagnose(inet_connect(EAGAIN, tcp4("127.0.0.1", 80))).cause, Cause::unknown);
  EXPECT_EQ(diagnose(unix_call(Syscall::bind, EAGAIN, "/run/app/x", 13)).cause, Cause::unknown);
}

TEST_F(AcceptQueueFull, ASendToAReceiverThatDoesNotReadNamesIt) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  OpenSocket& server = serve("/run/app/x", owner(42, "logger", 555));
  server.type = SOCK_DGRAM;
  server.state = OpenSocket::State::idle;
  server.backlog = 10;
  server.queue = 11;
  host.binders = {{file_name(5), owner(42, "logger", 555, kBefore)}};
  for (const Syscall call : {Syscall::sendto, Syscall::sendmsg, Syscall::sendmmsg}) {
    const Diagnosis found = diagnose(path_send(EAGAIN, "/run/app/x", call));
    EXPECT_EQ(found.cause, Cause::accept_queue_full);
    EXPECT_EQ(found.confidence, Confidence::likely) << "which queue it was is not seen";
    ASSERT_TRUE(found.holder);
    EXPECT_EQ(found.holder->pid, 42u);
    EXPECT_THAT(found.evidence, Contains("its queue takes 11 datagrams; 11 wait now"));
    EXPECT_THAT(found.evidence, Contains(HasSubstr("logger[42] (uid 33) receives there")));
  }
}

TEST_F(AcceptQueueFull, ASendToAPeerIsCertainWhereItsQueueWasSeenToBeFull) {
  Event send = path_send(EAGAIN, "/run/log");
  call_of(send).of_peer = true;
  EXPECT_EQ(diagnose(send).confidence, Confidence::likely);
  call_of(send).send_buffer_full = true;
  Diagnosis found = diagnose(send);
  EXPECT_EQ(found.cause, Cause::accept_queue_full);
  EXPECT_EQ(found.confidence, Confidence::likely) << "the buffer may be full of what others do not read";
  EXPECT_THAT(found.evidence, Contains(HasSubstr("SO_SNDBUF")));
  call_of(send).peer_queue_full = true;
  found = diagnose(send);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("the queue of the receiver was full")));
}

TEST_F(AcceptQueueFull, ASendToAPeerDoesNotProveWhoHasThePathHere) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  OpenSocket& server = serve("/run/app/x", owner(42, "logger", 555));
  server.type = SOCK_DGRAM;
  server.state = OpenSocket::State::idle;
  host.binders = {{file_name(5), owner(42, "logger", 555, kBefore)}};
  Event send = path_send(EAGAIN);
  call_of(send).peer_queue_full = true;
  EXPECT_EQ(diagnose(send).confidence, Confidence::certain);
  call_of(send).of_peer = true;
  EXPECT_EQ(diagnose(send).confidence, Confidence::likely) << "it was bound by that name, perhaps elsewhere";
}

TEST_F(AcceptQueueFull, OtherFailuresOfASendAreNot) {
  Event nameless = path_send(EAGAIN);
  call_of(nameless).address = {};
  EXPECT_EQ(diagnose(nameless).cause, Cause::unknown);
  EXPECT_NE(diagnose(path_send(ENOBUFS)).cause, Cause::accept_queue_full);
}

}  // namespace
}  // namespace sockward::test
