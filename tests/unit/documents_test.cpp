// The words keep up with the code: a page for every cause that is found, and no page for another.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "record/cause.hpp"

namespace sockward {
namespace {

std::set<std::string> stems(const std::string& folder) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(SOCKWARD_SOURCE_DIR + folder))
    found.insert(entry.path().stem());
  return found;
}

TEST(Documents, EveryRuleHasAPageAndEveryPageARule) {
  EXPECT_EQ(stems("/agent/diagnose/rules"), stems("/docs/diagnoses"));
}

TEST(Documents, EveryRuleIsNamedAfterACauseOfTheContract) {
  std::set<std::string> causes;
  for (const Cause cause : all_causes()) causes.emplace(to_string(cause));
  for (const auto& rule : stems("/agent/diagnose/rules")) EXPECT_TRUE(causes.contains(rule)) << rule;
}

TEST(Documents, TheSchemaKnowsEveryCause) {
  std::ifstream file(SOCKWARD_SOURCE_DIR "/docs/records.schema.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const Cause cause : all_causes())
    EXPECT_NE(text.find("\"" + std::string(to_string(cause)) + "\""), std::string::npos) << to_string(cause);
}

}  // namespace
}  // namespace sockward
