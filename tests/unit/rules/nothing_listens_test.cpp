// nothing_listens: this host refused, for no socket listens there. A port is likely at most.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using NothingListens = DiagnosisTest;

TEST_F(NothingListens, APortWithoutAnySocketIsLikelyForAPacketFilterRefusesInTheSameWay) {
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_FALSE(found.holder);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("no bind of it was seen")));
  EXPECT_THAT(found.unproven, Contains(HasSubstr("packet filter")));
}

TEST_F(NothingListens, WhereNobodyLookedNoListenerIsCalledAbsent) {
  EXPECT_THAT(diagnose(kRefused).evidence, Contains("no socket listens on the port"));
  host.scans = false;
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("no socket listens"))));
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listeners are not visible")));
  host.scans = true;
  host.walk_bytes = 100;  // room for none
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  EXPECT_THAT(diagnose(kRefused).evidence, Not(Contains(HasSubstr("no socket listens"))));
}

TEST_F(NothingListens, WhoHadTheAddressLastIsNamedAndWhenItEnded) {
  SocketOwner last = owner(42, "web", 555, kBefore);
  host.binders = {{tcp_name(tcp4("127.0.0.1", 80)), last}};
  EXPECT_THAT(diagnose(kRefused).evidence, Contains(HasSubstr("web[42] (uid 33) bound it last")));
  host.binders[0].second.binding.released = {kBefore + 50'000'000};
  Diagnosis found = diagnose(kRefused);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("its socket was released 0.1 s before the call")));
  host.binders[0].second.binding.found_gone = true;
  EXPECT_THAT(diagnose(kRefused).evidence, Contains(HasSubstr("its socket was gone 0.1 s before the call")));
  host.binders[0].second.binding.time = {kAfter};
  EXPECT_FALSE(diagnose(kRefused).holder) << "who bound it after the call did not have it before";
}

TEST_F(NothingListens, ASocketThatIsBoundAndDoesNotListenIsNamed) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "slow", 555), OpenSocket::State::idle);
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("does not listen")));
}

TEST_F(NothingListens, AListenerThatIsThereByNowIsSaidAndNotCalledAbsent) {
  open(tcp_name(tcp4("127.0.0.1", 80)), owner(42, "web", 555));
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("listens there now")));
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("no socket listens"))));
}

TEST_F(NothingListens, AnAbstractNameThatNoSocketHasIsCertain) {
  const Diagnosis found = diagnose(abstract_connect("name"));
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::certain);
  open(abstract_name("name"), owner(42, "slow", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(abstract_connect("name")).confidence, Confidence::likely)
      << "a socket has it now, and that was looked up after the call";
  EXPECT_EQ(diagnose(abstract_connect("names")).confidence, Confidence::certain) << "another name";
}

TEST_F(NothingListens, ASocketFileThatIsBoundAndDoesNotListenIsNotStale) {
  host.objects["/run/app/x"] = socket_file(5, 1);
  open(file_name(5), owner(42, "slow", 555), OpenSocket::State::idle);
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens);
  host.open_sockets[0].type = SOCK_DGRAM;
  EXPECT_NE(diagnose(path_connect(ECONNREFUSED)).cause, Cause::nothing_listens)
      << "datagram sockets never listen";
  host.open_sockets.clear();
  EXPECT_EQ(diagnose(path_connect(ECONNREFUSED)).cause, Cause::stale_socket);
}

TEST_F(NothingListens, OtherErrorsAndOtherCallsAreNoRefusal) {
  EXPECT_NE(diagnose(inet_connect(EACCES, tcp4("127.0.0.1", 80))).cause, Cause::nothing_listens);
  EXPECT_NE(diagnose(inet_bind(ECONNREFUSED, tcp4("127.0.0.1", 80))).cause, Cause::nothing_listens);
}

TEST_F(NothingListens, ASendToAnAbstractNameThatNoSocketHasIsCertain) {
  Event send = abstract_connect("name");
  send.syscall = Syscall::sendmsg;
  call_of(send).type = SOCK_DGRAM;
  EXPECT_EQ(diagnose(send).cause, Cause::nothing_listens);
  EXPECT_EQ(diagnose(send).confidence, Confidence::certain);
  open(abstract_name("name"), owner(42, "stream", 555), OpenSocket::State::listening);
  Diagnosis found = diagnose(send);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("another type")));
  host.open_sockets[0].type = SOCK_DGRAM;
  host.open_sockets[0].state = OpenSocket::State::idle;
  found = diagnose(send);
  EXPECT_EQ(found.confidence, Confidence::certain) << "it would have taken the datagram: it came later";
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("does not listen"))));
}

TEST_F(NothingListens, APeerThatIsGoneIsCertainWhateverIsAtItsPathNow) {
  Event send = path_send(ECONNREFUSED, "/run/app/x");
  call_of(send).of_peer = true;
  host.objects["/run/app/x"] = socket_file(5, 1);
  Diagnosis found = diagnose(send);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_FALSE(found.holder);
  OpenSocket& server = serve("/run/app/x", owner(42, "logger", 555));
  server.type = SOCK_DGRAM;
  server.state = OpenSocket::State::idle;
  found = diagnose(send);
  EXPECT_EQ(found.cause, Cause::nothing_listens);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("serves the path now")));
  EXPECT_THAT(found.advice, HasSubstr("connect again"));
  call_of(send).of_peer = false;
  EXPECT_NE(diagnose(send).cause, Cause::nothing_listens);
}

}  // namespace
}  // namespace sockward::test
