#include <gtest/gtest.h>

#include "probe/coverage.hpp"
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
  EXPECT_EQ(parse_program_name("sethostname_entry_fentry").backend, Backend::fexit);
  EXPECT_EQ(parse_program_name("other").backend, Backend::none);
  EXPECT_FALSE(parse_program_name("sysctl_cgroup").call);
}

TEST(ProbePlan, ProgramNamesSayByWhichWayTheirCallComes) {
  const ProgramName compat = parse_program_name("setdomainname_compat_entry_fentry");
  EXPECT_EQ(compat.operation, "setdomainname_compat");
  EXPECT_EQ(compat.call, Syscall::setdomainname);
  EXPECT_EQ(compat.variant, Variant::compat);
  EXPECT_TRUE(compat.at_entry);
  EXPECT_FALSE(compat.counts_calls());
  EXPECT_EQ(parse_program_name("bind_denied_tp").variant, Variant::denied);
  EXPECT_TRUE(parse_program_name("bind_denied_tp").counts_calls());
  EXPECT_EQ(parse_program_name("unlinkat_uring_entry_fentry").variant, Variant::uring);
  EXPECT_EQ(parse_program_name("open_tree_fexit").variant, Variant::plain);
  EXPECT_TRUE(parse_program_name("message_write_tp").keeps_messages);
  EXPECT_FALSE(parse_program_name("message_write_tp").counts_calls());
  EXPECT_EQ(operation_name(Syscall::connect, Variant::uring), "connect_uring");
  EXPECT_EQ(operation_name(Syscall::listen, Variant::plain), "listen");
}

TEST(ProbePlan, AllThatSendsIsOneOperation) {
  const ProgramName one = parse_program_name("send_fexit");
  EXPECT_EQ(one.operation, "send");
  EXPECT_TRUE(one.counts_calls());
  EXPECT_EQ(parse_program_name("sendmmsg_tp").operation, "send");
  EXPECT_EQ(parse_program_name("sendmmsg_tp").call, Syscall::sendmmsg);
  EXPECT_FALSE(parse_program_name("sendto_entry_tp").counts_calls());
  EXPECT_FALSE(parse_program_name("send_peer_fentry").counts_calls());
  for (const char* name : {"send_fexit", "sendmsg_tp", "sendmsg_entry_tp", "send_peer_fentry"})
    EXPECT_TRUE(parse_program_name(name).sees_sends) << name;
  EXPECT_FALSE(parse_program_name("bind_tp").sees_sends);
  EXPECT_EQ(operation_name(Syscall::sendmsg, Variant::plain), "send");
  const std::vector<ProgramAbility> programs = {
      {"send_fexit", true, ""}, {"sendto_tp", true, ""}, {"sendmsg_tp", true, ""}};
  using Programs = std::vector<std::string>;
  EXPECT_EQ(of(plan_probes(programs, true, "", BackendChoice::automatic), "send").programs,
            Programs{"send_fexit"});
  EXPECT_EQ(of(plan_probes(programs, false, "EPERM", BackendChoice::automatic), "send").programs,
            (Programs{"sendto_tp", "sendmsg_tp"}));
}

TEST(ProbePlan, CoverageSaysWhichSendsAreSeen) {
  const auto seen = [](const std::vector<ProbeStatus>& probes, const char* operation, const char* route) {
    for (const Coverage& one : coverage_of(probes, false))
      if (one.operation == operation && one.route == route) return one.seen;
    ADD_FAILURE() << operation << " " << route;
    return false;
  };
  ProbeStatus send{.operation = "send", .backend = Backend::fexit, .attached = true, .reason = {}};
  EXPECT_TRUE(seen({send}, "sendto", "syscall"));
  EXPECT_TRUE(seen({send}, "sendmmsg", "syscall"));
  EXPECT_TRUE(seen({send}, "sendmsg", "io_uring"));
  send.backend = Backend::tracepoint;
  EXPECT_TRUE(seen({send}, "sendmsg", "syscall"));
  EXPECT_FALSE(seen({send}, "sendmsg", "io_uring"));
  EXPECT_FALSE(seen({send}, "sendto", "compat"));
  EXPECT_FALSE(seen({}, "sendto", "syscall"));
}

TEST(ProbePlan, AnOlderProgramStandsInWhereTheOtherCannotBeAttached) {
  EXPECT_EQ(parse_program_name("connect_uring_older_fexit").operation, "connect_uring");
  EXPECT_EQ(parse_program_name("connect_uring_older_fexit").variant, Variant::uring);
  EXPECT_TRUE(parse_program_name("connect_uring_older_fexit").older);
  EXPECT_FALSE(parse_program_name("connect_uring_fexit").older);
  const auto programs_of = [](bool newer, bool older) {
    const auto plans = plan_probes({{"connect_uring_older_fexit", older, "no older function"},
                                    {"connect_uring_fexit", newer, "no function"}},
                                   true, "", BackendChoice::automatic);
    EXPECT_EQ(plans.size(), 1u);
    return of(plans, "connect_uring").programs;
  };
  using Programs = std::vector<std::string>;
  EXPECT_EQ(programs_of(true, true), Programs{"connect_uring_fexit"});
  EXPECT_EQ(programs_of(true, false), Programs{"connect_uring_fexit"});
  EXPECT_EQ(programs_of(false, true), Programs{"connect_uring_older_fexit"});
  EXPECT_EQ(programs_of(false, false), Programs{});
  // Another backend's turn: the older program is not its alternative.
  const auto plans =
      plan_probes({{"x_older_fexit", true, ""}, {"x_fexit", false, "no function"}, {"x_tp", true, ""}}, true,
                  "", BackendChoice::tracepoint);
  EXPECT_EQ(of(plans, "x").programs, Programs{"x_tp"});
}

TEST(ProbePlan, EachVariantOfACallIsOneOfTheList) {
  EXPECT_TRUE(has_variant(Syscall::listen, Variant::denied));
  EXPECT_FALSE(has_variant(Syscall::listen, Variant::uring));
  EXPECT_FALSE(has_variant(Syscall::bind, Variant::compat));
  EXPECT_TRUE(has_variant(Syscall::move_mount, Variant::compat));
}

TEST(ProbePlan, PrefersFexitWhereItWorks) {
  const auto plans = plan_probes(kAll, true, "", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, Backend::fexit);
  EXPECT_EQ(of(plans, "sethostname").programs,
            (std::vector<std::string>{"sethostname_entry_fentry", "sethostname_fexit"}));
  EXPECT_EQ(of(plans, "sysctl").backend, Backend::cgroup);
  EXPECT_EQ(of(plans, "uts").backend, Backend::iterator);
}

TEST(ProbePlan, FallsBackAndSaysWhy) {
  const auto plans = plan_probes(kAll, false, "refused: EPERM", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, Backend::tracepoint);
  EXPECT_EQ(of(plans, "bind").reason, "fexit: refused: EPERM");
}

TEST(ProbePlan, OneMissingTargetMovesOnlyItsOperation) {
  auto some = kAll;
  some[3] = {"sethostname_fexit", false, "no function"};
  const auto plans = plan_probes(some, true, "", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "sethostname").backend, Backend::tracepoint);
  EXPECT_EQ(of(plans, "bind").backend, Backend::fexit);
}

TEST(ProbePlan, WithoutAnyWayTheOperationIsNotObserved) {
  auto none = kAll;
  none[1] = {"bind_tp", false, "no tracefs"};
  const auto plans = plan_probes(none, false, "EPERM", BackendChoice::automatic);
  EXPECT_EQ(of(plans, "bind").backend, Backend::none);
  EXPECT_EQ(of(plans, "bind").reason, "fexit: EPERM; tracepoint: no tracefs");
  EXPECT_TRUE(of(plans, "bind").programs.empty());
}

TEST(ProbePlan, AChosenBackendIsObeyed) {
  EXPECT_EQ(of(plan_probes(kAll, true, "", BackendChoice::tracepoint), "bind").backend, Backend::tracepoint);
  EXPECT_EQ(of(plan_probes(kAll, false, "EPERM", BackendChoice::fexit), "bind").backend, Backend::none);
}

}  // namespace
}  // namespace sockward
