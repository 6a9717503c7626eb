// The kernel's decision on a path, replayed from modes, owners and capabilities.
#include "diagnose/permissions.hpp"

#include <gtest/gtest.h>

#include "support/permissions.hpp"

namespace sockward::test {
namespace {

struct DenialCase {
  const char* what;
  PathTrace trace;
  Purpose purpose;
  std::optional<Denial::What> denial;
  const char* at;
};

TEST(PermissionTable, FollowsTheKernelsRules) {
  using What = Denial::What;
  const DenialCase cases[] = {
      {"root's directory", trace_of(0755), Purpose::create, What::write, "/run/app"},
      {"one's own directory", trace_of(0755, {}, 998), Purpose::create, std::nullopt, ""},
      {"a group that may write", trace_of(0775, {}, 0, 100), Purpose::create, std::nullopt, ""},
      {"the primary group", trace_of(0770, {}, 0, 998), Purpose::create, std::nullopt, ""},
      {"a group that may not, though others may", trace_of(0707, {}, 0, 100), Purpose::create, What::search,
       "/run/app"},
      {"an owner that may not, though others may", trace_of(0077, {}, 998), Purpose::create, What::search,
       "/run/app"},
      {"no search", trace_of(0700), Purpose::connect, What::search, "/run/app"},
      {"a sticky directory to make in", trace_of(01777), Purpose::create, std::nullopt, ""},
      {"a sticky directory, root's file", trace_of(01777, socket_step(0755)), Purpose::remove, What::sticky,
       "/run/app"},
      {"a sticky directory, one's own file", trace_of(01777, socket_step(0755, 998)), Purpose::remove,
       std::nullopt, ""},
      {"a sticky directory of one's own", trace_of(01777, socket_step(0755), 998), Purpose::remove,
       std::nullopt, ""},
      {"root's socket", trace_of(0755, socket_step(0755)), Purpose::connect, What::socket, "/run/app/x"},
      {"a socket of one's group", trace_of(0755, socket_step(0660, 0, 100)), Purpose::connect, std::nullopt,
       ""},
      {"a socket for all", trace_of(0755, socket_step(0777)), Purpose::connect, std::nullopt, ""}};
  for (const auto& c : cases) {
    const auto found = find_denial(c.trace, kUser, an_actor(), c.purpose);
    ASSERT_EQ(found.has_value(), c.denial.has_value()) << c.what;
    if (!found) continue;
    EXPECT_EQ(found->what, *c.denial) << c.what;
    EXPECT_EQ(found->step.path, c.at) << c.what;
  }
}

TEST(PermissionTable, CapabilitiesOverride) {
  const PathTrace closed = trace_of(0700, socket_step(0600));
  const Actor all = with_capability(an_actor(), CAP_DAC_OVERRIDE),
              search = with_capability(an_actor(), CAP_DAC_READ_SEARCH);
  EXPECT_FALSE(find_denial(closed, kUser, all, Purpose::connect));
  EXPECT_EQ(find_denial(closed, kUser, search, Purpose::connect)->what, Denial::What::socket);
  EXPECT_EQ(find_denial(closed, kUser, search, Purpose::create)->what, Denial::What::write);
  const PathTrace sticky = trace_of(01777, socket_step(0755));
  EXPECT_FALSE(find_denial(sticky, kUser, with_capability(an_actor(), CAP_FOWNER), Purpose::remove));
}

}  // namespace
}  // namespace sockward::test
