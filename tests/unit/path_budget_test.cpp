// How many bytes a name may have, where a program adds some of its own.
#include "diagnose/path_budget.hpp"

#include <gtest/gtest.h>

namespace sockward::test {
namespace {

const std::string kLong = "/srv/" + std::string(110, 'p') + "/x.sock";  // 122 bytes
const std::string kHome = "/srv/" + std::string(84, 'h');

TEST(ByteBudget, IsOfTheNameThatTheUserChose) {
  const std::string control = kHome + ".ctl";  // 93 bytes
  const auto ssh = chosen_name("ssh", control + ".fktgaYrXsYHZrIVZ");
  ASSERT_TRUE(ssh);
  EXPECT_EQ(ssh->path, control);
  EXPECT_EQ(ssh->may_have(), 90U);
  EXPECT_EQ(chosen_text(*ssh),
            "ssh binds a temporary name 17 bytes longer first: the ControlPath may have 90 bytes, it has 93");
  EXPECT_EQ(budget_texts("ssh", "", control + ".fktgaYrXsYHZrIVZ").back(),
            "the longest component, \"" + std::string(84, 'h') + ".ctl\", has 88 bytes: at most 85 fit");
  EXPECT_EQ(
      budget_texts("ssh", "ControlPath", kLong).front(),
      "ssh binds a temporary name 17 bytes longer first: the ControlPath may have 90 bytes, it has 122");
  EXPECT_EQ(budget_texts("ssh", "-S", kLong).size(), 2U);
  const auto gpg = chosen_name("gpg-agent", kHome + "/S.gpg-agent.extra");
  ASSERT_TRUE(gpg);
  EXPECT_EQ(gpg->path, kHome);
  EXPECT_EQ(gpg->may_have(), 86U);
  const auto postgres = chosen_name("postgres", kLong + "/.s.PGSQL.5432");
  ASSERT_TRUE(postgres);
  EXPECT_EQ(postgres->path, kLong);
  EXPECT_EQ(postgres->may_have(), 93U);
  const auto tmux = chosen_name("tmux: client", kLong + "/tmux-1000/default");
  ASSERT_TRUE(tmux);
  EXPECT_EQ(tmux->added, 18U);
}

TEST(ByteBudget, IsNotLoweredForOtherProgramsAndNames) {
  EXPECT_FALSE(chosen_name("ssh-agent", kLong + ".fktgaYrXsYHZrIVZ"));
  EXPECT_FALSE(chosen_name("ssh", kLong));
  EXPECT_FALSE(chosen_name("ssh", kLong + ".fktgaYrXsYHZr-VZ"));
  EXPECT_FALSE(chosen_name("ssh", ""));
  EXPECT_FALSE(chosen_argument("tmux", "-S", kLong));
  EXPECT_FALSE(chosen_argument("ssh", "-L", kLong));
  EXPECT_FALSE(chosen_argument("ssh", "", kLong));
  EXPECT_FALSE(chosen_name("postgres", kLong + "/.s.PGSQL.5432.lock"));
  EXPECT_FALSE(chosen_name("tmux", kLong + "/tmux-x/default"));
  EXPECT_EQ(budget_texts("socat", "", kLong).size(), 1U);
}

}  // namespace
}  // namespace sockward::test
