// What a verifier log says, as kernels write it.
#include <gtest/gtest.h>

#include "probe/verifier_costs.hpp"

namespace sockward::test {
namespace {

TEST(VerifierCosts, FramesOfAllFunctionsAreAddedUp) {
  const VerifierCost cost = parse_verifier_log(
      "exec_btf",
      "verification time 28458 usec\nstack depth 16+16+8+88\nprocessed 34260 insns (limit 1000000) "
      "max_states_per_insn 4 total_states 488 peak_states 350 mark_read 0\n");
  EXPECT_EQ(cost.program, "exec_btf");
  EXPECT_EQ(cost.instructions, 34260u);
  EXPECT_EQ(cost.stack_bytes, 128u);
}

TEST(VerifierCosts, NewKernelsTellTheDeepestChain) {
  const VerifierCost cost =
      parse_verifier_log("bind_tp", "stack depth max 360\nprocessed 17573 insns (limit\n");
  EXPECT_EQ(cost.instructions, 17573u);
  EXPECT_EQ(cost.stack_bytes, 360u);
}

TEST(VerifierCosts, AnEmptyOrStrangeLogSaysNothing) {
  for (const char* log : {"", "processed", "processed many insns", "stack depth +"}) {
    EXPECT_EQ(parse_verifier_log("x", log).instructions, 0u);
    EXPECT_EQ(parse_verifier_log("x", log).stack_bytes, 0u);
  }
}

}  // namespace
}  // namespace sockward::test
