// abstract_name_collision: the holder of an abstract name lives in another pid namespace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

SocketOwner in_another_pid_namespace() {
  SocketOwner other = owner(42, "app", 555);
  other.process.pidns = 4026532001;
  return other;
}

using AbstractNameCollision = DiagnosisTest;

TEST_F(AbstractNameCollision, AnAbstractNameInAnotherPidNamespaceIsACollision) {
  SocketOwner other = owner(42, "criu", 555, kBefore);
  host.binders = {{abstract_name("/crtools-fd-3-0"), other}};
  EXPECT_EQ(diagnose(abstract_bind("/crtools-fd-3-0")).cause, Cause::address_in_use)
      << "the same pid namespace";
  host.binders[0].second.process.pidns = 4026532001;
  const Diagnosis found = diagnose(abstract_bind("/crtools-fd-3-0"));
  EXPECT_EQ(found.cause, Cause::abstract_name_collision);
  EXPECT_EQ(found.holder->pidns, 4026532001u);
  EXPECT_THAT(found.advice, HasSubstr("criu 4.1"));
  Event elsewhere = abstract_bind("/crtools-fd-3-0");
  std::get<SocketCall>(elsewhere.call).socket_netns = 1;
  EXPECT_EQ(diagnose(elsewhere).cause, Cause::unknown) << "another network namespace has names of its own";
  EXPECT_EQ(diagnose(abstract_bind("/crtools-fd-3")).cause, Cause::unknown);
}

TEST_F(AbstractNameCollision, IsCertainWithAHolderThatHadTheNameBeforeTheCall) {
  open(abstract_name("bus"), in_another_pid_namespace());
  const Diagnosis found = diagnose(abstract_bind("bus"));
  EXPECT_EQ(found.cause, Cause::abstract_name_collision);
  EXPECT_EQ(found.confidence, Confidence::likely) << "it may have come after the call";
  EXPECT_EQ(found.holder->pid, 42u);
  host.open_at_start = host.open_sockets;
  EXPECT_EQ(diagnose(abstract_bind("bus")).confidence, Confidence::certain);
}

// Names that CRIU binds for milliseconds: the table has the next one already.
TEST_F(AbstractNameCollision, WhoTookTheNameNextIsNoHolderButSaysThatItIsShared) {
  SocketOwner next = owner(43, "criu", 556, kAfter);
  next.process.pidns = 4026532001;
  host.binders = {{abstract_name("/crtools-fd-3-0"), next}};
  const Diagnosis found = diagnose(abstract_bind("/crtools-fd-3-0"));
  EXPECT_EQ(found.cause, Cause::abstract_name_collision);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_FALSE(found.holder);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("criu[43] (uid 33) bound the name")));
  EXPECT_THAT(found.advice, HasSubstr("criu 4.1"));
  host.binders[0].second.process.pidns = an_actor().pidns;
  const Diagnosis near = diagnose(abstract_bind("/crtools-fd-3-0"));
  EXPECT_EQ(near.cause, Cause::address_in_use) << "where the one before lived is not known";
  EXPECT_EQ(near.confidence, Confidence::likely);
  EXPECT_FALSE(near.holder);
  EXPECT_THAT(near.evidence, Contains(HasSubstr("criu[43] (uid 33) bound the name")));
  EXPECT_THAT(near.advice, HasSubstr("criu 4.1"));
}

TEST_F(AbstractNameCollision, AnotherNameTheCallersPidNamespaceAndAConnectAreNone) {
  open(abstract_name("bus"), in_another_pid_namespace());
  EXPECT_EQ(diagnose(abstract_bind("bu")).cause, Cause::unknown);
  EXPECT_NE(diagnose(abstract_connect("bus")).cause, Cause::abstract_name_collision);
  host.open_sockets[0].owner.process.pidns = an_actor().pidns;
  EXPECT_EQ(diagnose(abstract_bind("bus")).cause, Cause::address_in_use);
}

}  // namespace
}  // namespace sockward::test
