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

TEST_F(Unknown, WhatLiesAtThePathNowIsNotBlamedWhenItWasPutThereSince) {
  const auto changed = Contains(HasSubstr("what the path led to at the time of the call is not known"));
  host.objects["/run/x"] = {
      .kind = PathObject::Kind::file, .mode = 0644, .changed = {kAfter}, .exact_times = true};
  host.objects["/run"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  for (const Event& event : {path_bind(EADDRINUSE, "/run/x"), path_connect(ECONNREFUSED, "/run/x")}) {
    const Diagnosis found = diagnose(event);
    EXPECT_EQ(found.cause, Cause::unknown);
    EXPECT_EQ(found.confidence, Confidence::unknown);
    EXPECT_THAT(found.evidence, changed);
  }
  EXPECT_THAT(diagnose(path_bind(EINVAL, "/run/x")).evidence, Not(changed)) << "the path is not at fault";
}

TEST_F(Unknown, AFileThatWasThereAtTheCallIsNotCalledChanged) {
  host.objects["/run/x"] = {
      .kind = PathObject::Kind::file, .mode = 0644, .changed = {1}, .exact_times = true};
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE, "/run/x")).cause, Cause::path_occupied);
  host.objects["/run"] = {
      .kind = PathObject::Kind::directory, .mode = 0755, .changed = {kAfter}, .exact_times = true};
  EXPECT_EQ(diagnose(path_bind(EADDRINUSE, "/run/x")).cause, Cause::path_occupied)
      << "another name in the directory was changed";
}

TEST_F(Unknown, OfAFileThatIsGoneByNowItIsSaidThatNothingServedIt) {
  const auto gone = Contains(HasSubstr("/run/x does not exist any more"));
  host.objects["/run"] = {.kind = PathObject::Kind::directory, .mode = 0755};
  const Diagnosis found = diagnose(path_connect(ECONNREFUSED, "/run/x"));
  EXPECT_EQ(found.cause, Cause::unknown) << "stale, not listening, or no socket at all";
  EXPECT_THAT(found.evidence, gone);
  EXPECT_THAT(found.advice, HasSubstr("nothing is wrong if"));
  EXPECT_THAT(diagnose(path_bind(EADDRINUSE, "/run/x")).evidence, Not(gone)) << "it may have been served";
  EXPECT_EQ(diagnose(path_connect(ENOENT, "/run/x")).cause, Cause::path_missing);
  host.trace = PathTrace{.searched = {{"/", {.kind = PathObject::Kind::directory, .mode = 0755}}}};
  EXPECT_THAT(diagnose(path_connect(ECONNREFUSED, "/run/x")).evidence, Not(gone)) << "another root's files";
  host.files_visible = false;
  EXPECT_THAT(diagnose(path_connect(ECONNREFUSED, "/run/x")).evidence, Not(gone)) << "not seen, not missing";
}

}  // namespace
}  // namespace sockward::test
