// abstract_name_collision: the holder of an abstract name lives in another pid namespace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

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

/// The bind that fails at 1 s, with whom the kernel side saw hold the name.
Event bind_seen(const SocketOwner& holder, bool has_open = true) {
  Event event = abstract_bind("/crtools-fd-3-0");
  std::get<SocketCall>(event.call).holder = {.binder = holder, .has_open = has_open};
  return event;
}

// It let the name go a moment later, and the next one took it before anybody could look.
TEST_F(AbstractNameCollision, IsCertainWithAHolderThatTheKernelSideSaw) {
  SocketOwner holder = in_another_pid_namespace();
  holder.binding.time = {kBefore};
  SocketOwner next = owner(43, "next", 556, kAfter);
  open(abstract_name("/crtools-fd-3-0"), next);
  host.binders = {{abstract_name("/crtools-fd-3-0"), next}};
  const Diagnosis found = diagnose(bind_seen(holder));
  EXPECT_EQ(found.cause, Cause::abstract_name_collision);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(found.holder->kind, Holder::Kind::gone);
  EXPECT_THAT(
      found.evidence,
      Contains("app[42] (uid 33) had bound it 100.0 ms before the call, and had it open when the call "
               "returned (name table)"));
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("next[43]"))));
  holder.process.pidns = an_actor().pidns;
  EXPECT_EQ(diagnose(bind_seen(holder)).cause, Cause::address_in_use);
  EXPECT_EQ(diagnose(bind_seen(holder)).confidence, Confidence::certain);
}

TEST_F(AbstractNameCollision, IsLikelyWhereTheHolderMayHaveGivenTheSocketAwayOrCameDuringTheCall) {
  SocketOwner holder = in_another_pid_namespace();
  holder.binding.time = {kBefore};
  const Diagnosis given = diagnose(bind_seen(holder, false));
  EXPECT_EQ(given.cause, Cause::abstract_name_collision);
  EXPECT_EQ(given.confidence, Confidence::likely);
  EXPECT_EQ(given.holder->pid, 42u);
  EXPECT_THAT(given.evidence, Contains(HasSubstr("its socket still had the name when the call returned")));
  EXPECT_THAT(given.evidence, Not(Contains(HasSubstr("that socket still exists")))) << "nothing says so";
  holder.binding.time = {1'000'000'000 - 99'999};
  EXPECT_EQ(diagnose(bind_seen(holder)).confidence, Confidence::likely) << "0.1 ms before the call returned";
  holder.binding.time = {1'000'000'000 - 100'000};
  EXPECT_EQ(diagnose(bind_seen(holder)).confidence, Confidence::certain);
}

TEST_F(AbstractNameCollision, AHolderThatWasSeenAndIsStillThereIsNamedAsOne) {
  const SocketOwner holder = owner(42, "app", 555, kBefore);
  open(abstract_name("/crtools-fd-3-0"), holder);
  host.binders = {{abstract_name("/crtools-fd-3-0"), holder}};
  const Diagnosis found = diagnose(bind_seen(holder));
  EXPECT_EQ(found.cause, Cause::address_in_use);
  EXPECT_EQ(found.confidence, Confidence::certain);
  EXPECT_EQ(found.holder->kind, Holder::Kind::process);
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
