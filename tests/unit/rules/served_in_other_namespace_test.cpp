// served_in_other_namespace: the name is served, in a namespace that the caller does not see. Never certain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr NamespaceInode kOtherNet = 4026532500, kOtherMounts = 4026532501;

using ServedInOtherNamespace = DiagnosisTest;

TEST_F(ServedInOtherNamespace, APathThatIsServedInAnotherMountNamespaceIsLikelyAtMost) {
  serve("/run/app/x", owner(42, "app", 555)).owner.process.mntns = kOtherMounts;
  for (const int error : {ENOENT, ECONNREFUSED}) {
    const Diagnosis found = diagnose(path_connect(error));
    EXPECT_EQ(found.cause, Cause::served_in_other_namespace) << error;
    EXPECT_EQ(found.confidence, Confidence::likely);
    EXPECT_EQ(found.holder->pid, 42u);
    EXPECT_THAT(found.evidence, Contains(HasSubstr("in mount namespace 4026532501")));
    EXPECT_THAT(found.unproven, Contains(HasSubstr("concluded from the name alone")));
  }
}

TEST_F(ServedInOtherNamespace, TheMountNamespaceIsAskedForWhereTheScanDoesNotHaveIt) {
  serve("/run/app/x", owner(42, "app", 555));
  EXPECT_NE(diagnose(path_connect(ENOENT)).cause, Cause::served_in_other_namespace)
      << "nothing is known of it";
  host.mount_namespaces[42] = kOtherMounts;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::served_in_other_namespace);
  host.mount_namespaces[42] = an_actor().mntns;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing) << "the caller's own";
}

TEST_F(ServedInOtherNamespace, AFileWithoutANameAnotherPathAndAMereConnectionAreNotServedElsewhere) {
  OpenSocket& socket = serve("/run/app/x", owner(42, "app", 555));
  socket.owner.process.mntns = kOtherMounts;
  socket.links = 0;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing);
  socket.links = 1;
  socket.state = OpenSocket::State::connected;
  EXPECT_EQ(diagnose(path_connect(ENOENT)).cause, Cause::path_missing);
  socket.state = OpenSocket::State::listening;
  EXPECT_EQ(diagnose(path_connect(ENOENT, "/run/app/y")).cause, Cause::path_missing);
  EXPECT_NE(diagnose(unix_call(Syscall::bind, ENOENT, "/run/app/x", 13)).cause,
            Cause::served_in_other_namespace)
      << "who binds looks for no server";
}

TEST_F(ServedInOtherNamespace, AnAbstractNameOfAnotherNetworkNamespaceIsFound) {
  BoundName name = abstract_name("x11");
  name.netns = kOtherNet;
  open(name, owner(42, "Xorg", 555));
  const Diagnosis found = diagnose(abstract_connect("x11"));
  EXPECT_EQ(found.cause, Cause::served_in_other_namespace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_EQ(found.holder->pid, 42u);
  EXPECT_EQ(diagnose(abstract_connect("x1")).cause, Cause::nothing_listens);
  EXPECT_EQ(diagnose(abstract_connect(std::string("x11\0", 4))).cause, Cause::nothing_listens)
      << "one byte more is another name";
}

TEST_F(ServedInOtherNamespace, APortOfAnotherNetworkNamespaceIsFoundUnlessTheCallersOwnHasIt) {
  BoundName elsewhere = tcp_name(tcp4("0.0.0.0", 80));
  elsewhere.netns = kOtherNet;
  open(elsewhere, owner(42, "container", 555));
  const Diagnosis found = diagnose(kRefused);
  EXPECT_EQ(found.cause, Cause::served_in_other_namespace);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence,
              Contains(HasSubstr("container[42] (uid 33) listens on 0.0.0.0:80 in network namespace")));
  open(tcp_name(tcp4("127.0.0.2", 80)), owner(43, "web", 556));
  EXPECT_EQ(diagnose(kRefused).cause, Cause::listens_on_other_address);
  host.open_sockets.pop_back();
  host.address_is_local = false;
  EXPECT_EQ(diagnose(inet_connect(ECONNREFUSED, tcp4("192.0.2.1", 80))).cause, Cause::refused_by_peer)
      << "another host was meant";
}

TEST_F(ServedInOtherNamespace, OfASendAsOfAConnectButNotOfAPeerThatIsGone) {
  serve("/run/app/x", owner(42, "app", 555)).owner.process.mntns = kOtherMounts;
  Event send = path_send(ECONNREFUSED);
  EXPECT_EQ(diagnose(send).cause, Cause::served_in_other_namespace);
  EXPECT_EQ(diagnose(path_send(ENOENT)).cause, Cause::served_in_other_namespace);
  call_of(send).of_peer = true;
  EXPECT_EQ(diagnose(send).cause, Cause::nothing_listens);
}

}  // namespace
}  // namespace sockward::test
