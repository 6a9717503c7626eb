// unreachable: no route, a neighbour that does not answer, or an ICMP answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using Unreachable = DiagnosisTest;

TEST_F(Unreachable, WithoutARouteTheRoutingTableIsQuoted) {
  host.route_answer = ENETUNREACH;
  const Diagnosis found = diagnose(inet_connect(ENETUNREACH, tcp4("192.0.2.1", 80)));
  EXPECT_EQ(found.cause, Cause::unreachable);
  EXPECT_EQ(found.confidence, Confidence::likely);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("no usable route to 192.0.2.1 (ENETUNREACH)")));
}

TEST_F(Unreachable, ANeighbourThatDoesNotAnswerIsTheGatewayIfThereIsOne) {
  const Event event = inet_connect(EHOSTUNREACH, tcp4("192.0.2.1", 80));
  host.whole_route = Route{.interface = 2, .interface_name = "eth0", .neighbour = Route::Neighbour::failed};
  EXPECT_THAT(diagnose(event).evidence, Contains(HasSubstr("192.0.2.1 does not answer on eth0")));
  host.whole_route->gateway = tcp4("192.0.2.254", 0);
  EXPECT_THAT(diagnose(event).evidence,
              Contains(HasSubstr("the gateway 192.0.2.254 does not answer on eth0")));
}

TEST_F(Unreachable, WithARouteItIsAnAnswerOfARouterOrAFilter) {
  host.whole_route =
      Route{.interface = 2, .interface_name = "eth0", .neighbour = Route::Neighbour::answering};
  const Diagnosis found = diagnose(inet_connect(EHOSTUNREACH, tcp4("192.0.2.1", 80)));
  EXPECT_EQ(found.cause, Cause::unreachable);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("there is a route to 192.0.2.1 via eth0")));
}

TEST_F(Unreachable, AnInterfaceThatIsDownIsSaid) {
  host.route_answer = ENETUNREACH;
  host.links = {{.index = 1, .name = "lo", .up = false, .loopback = true, .addresses = {}},
                {.index = 2, .name = "eth0", .up = true, .addresses = {}}};
  const Diagnosis found = diagnose(inet_connect(ENETUNREACH, tcp4("127.0.0.1", 80)));
  EXPECT_THAT(found.evidence, Contains("lo is down"));
  EXPECT_THAT(found.evidence, Not(Contains("eth0 is down")));
  EXPECT_EQ(diagnose(inet_bind(ENETUNREACH, tcp4("127.0.0.1", 80))).cause, Cause::unknown)
      << "bind goes nowhere";
}

TEST_F(Unreachable, WithoutARouteOtherErrorsAndSocketFilesAreStillSomethingElse) {
  host.route_answer = ENETUNREACH;
  EXPECT_EQ(diagnose(inet_connect(ETIMEDOUT, tcp4("192.0.2.1", 80))).cause, Cause::no_answer);
  EXPECT_EQ(diagnose(inet_connect(EACCES, tcp4("192.0.2.1", 80))).cause, Cause::policy_denied);
  EXPECT_EQ(diagnose(path_connect(EHOSTUNREACH)).cause, Cause::unknown);
}

}  // namespace
}  // namespace sockward::test
