#include <gtest/gtest.h>

#include "probe/plan.hpp"

namespace sockward {
namespace {

const std::vector<ProgramAbility> kAll = {{"bind_fexit", true, ""},
                                          {"bind_tp", true, ""},
                                          {"sethostname_entry_fentry", true, ""},
                                          {"sethostname_fexit", true, ""},
                                          {"sethostname_entry_tp", true, ""},
                                          {"sethostname_tp", true, ""},
                                          {"sysctl_cgroup", true, ""},
                                          {"uts_iter", true, ""}};

const OperationPlan& of(const std::vector<OperationPlan>& plans, const std::string& operation) {
  for (const auto& plan : plans)
    if (plan.operation == operation) return plan;
  throw std::runtime_error(operation);
}

TEST(ProbePlan, ProgramNamesSayOperationAndBackend) {
  EXPECT_EQ(parse_program_name("open_tree_tp").operation, "open_tree");
  EXPECT_EQ(parse_program_name("sethostname_entry_tp").operation, "sethostname");
  EXPECT_EQ(parse_program_name("sethostname_entry_fentry").backend, "fexit");
  EXPECT_EQ(parse_program_name("other").backend, "none");
}

TEST(ProbePlan, PrefersFexitWhereItWorks) {
  const auto plans = plan_probes(kAll, true, "", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, "fexit");
  EXPECT_EQ(of(plans, "sethostname").programs,
            (std::vector<std::string>{"sethostname_entry_fentry", "sethostname_fexit"}));
  EXPECT_EQ(of(plans, "sysctl").backend, "cgroup");
  EXPECT_EQ(of(plans, "uts").backend, "iterator");
}

TEST(ProbePlan, FallsBackAndSaysWhy) {
  const auto plans = plan_probes(kAll, false, "refused: EPERM", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, "tracepoint");
  EXPECT_EQ(of(plans, "bind").reason, "fexit: refused: EPERM");
}

TEST(ProbePlan, OneMissingTargetMovesOnlyItsOperation) {
  auto some = kAll;
  some[3] = {"sethostname_fexit", false, "no function"};
  const auto plans = plan_probes(some, true, "", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "sethostname").backend, "tracepoint");
  EXPECT_EQ(of(plans, "bind").backend, "fexit");
}

TEST(ProbePlan, WithoutAnyWayTheOperationIsNotObserved) {
  auto none = kAll;
  none[1] = {"bind_tp", false, "no tracefs"};
  const auto plans = plan_probes(none, false, "EPERM", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, "none");
  EXPECT_EQ(of(plans, "bind").reason, "fexit: EPERM; tracepoint: no tracefs");
  EXPECT_TRUE(of(plans, "bind").programs.empty());
}

TEST(ProbePlan, AChosenBackendIsObeyed) {
  EXPECT_EQ(of(plan_probes(kAll, true, "", BackendChoice::tracepoint), "bind").backend, "tracepoint");
  EXPECT_EQ(of(plan_probes(kAll, false, "EPERM", BackendChoice::fexit), "bind").backend, "none");
}

}  // namespace
}  // namespace sockward
