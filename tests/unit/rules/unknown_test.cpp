// unknown: what is said when no rule explains a failure, or when the path has changed since
// (rules/path_changed_since.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fixtures.hpp"

namespace sockward::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

using Unknown = DiagnosisTest;

TEST_F(Unknown, TheEngineSaysUnknownPlainlyAndNeverNothing) {
  Engine engine(host, kHostUts);
  const Diagnosis found = engine.diagnose(inet_bind(EADDRINUSE, tcp4("127.0.0.1", 80)));
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_EQ(found.confidence, Confidence::unknown);
  EXPECT_THAT(found.evidence, Contains(HasSubstr("looked at")));
  EXPECT_THAT(found.advice, HasSubstr("nsenter -t 4121 -n ss"));
}

TEST_F(Unknown, AnUnknownCauseOfAnUnlinkSpeaksOfThePathAndOfNoSocket) {
  Engine engine(host, kHostUts);
  const Diagnosis found = engine.diagnose(path_call(Syscall::unlink, EBUSY, "/run/x"));
  EXPECT_EQ(found.cause, Cause::unknown);
  EXPECT_THAT(found.evidence, Not(Contains(HasSubstr("the socket"))));
  EXPECT_THAT(found.advice, HasSubstr("namei -l"));
}

TEST_F(Unknown, AnUnknownCauseSaysThatThePathWasNotSeenAsTheCallerSawIt) {
  Engine engine(host, kHostUts);
  const Event event = unix_call(Syscall::bind, EPERM, "/m/q", 6);
  EXPECT_THAT(engine.diagnose(event).evidence, Not(Contains(HasSubstr("another root or mount namespace"))));
  host.trace = PathTrace{.searched = {{"/", {.kind = PathObject::Kind::directory, .mode = 0755}}}};
  EXPECT_THAT(engine.diagnose(event).evidence, Contains(HasSubstr("another root or mount namespace")));
  host.files_visible = false;
  EXPECT_THAT(engine.diagnose(event).evidence, Contains(HasSubstr("the path could not be looked up: ")));
}

}  // namespace
}  // namespace sockward::test
