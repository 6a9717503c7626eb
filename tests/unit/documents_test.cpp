// The documents keep up with the code: a page for every cause that is found, and no page for another.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "diagnose/engine.hpp"
#include "record/cause.hpp"

namespace sockward {
namespace {

std::set<std::string> stems(const std::string& folder) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(SOCKWARD_SOURCE_DIR + folder))
    found.insert(entry.path().stem());
  return found;
}

std::string text_of(const std::string& file) {
  std::ifstream stream(SOCKWARD_SOURCE_DIR + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Those that a rule can find.
std::set<std::string> known_causes() {
  std::set<std::string> causes;
  for (const Cause cause : all_causes())
    if (cause != Cause::unknown) causes.emplace(to_string(cause));
  return causes;
}

TEST(Documents, EveryCauseHasAPageAndEveryPageACause) {
  EXPECT_EQ(stems("/docs/diagnoses"), known_causes());
}

TEST(Documents, EveryPageGivesTheSignalWhatLooksLikeItAndTheRemedy) {
  for (const auto& cause : known_causes())
    for (const std::string part : {"**Signal**", "**What else looks like it**", "**Remedy**"})
      EXPECT_NE(text_of("/docs/diagnoses/" + cause + ".md").find(part), std::string::npos) << cause << part;
}

TEST(Documents, EveryRuleIsListedAndNamedAfterItsCause) {
  // policy_denied where a layer was seen to refuse, with precedence; unknown where the path has changed
  // since.
  static const std::set<std::string> kWithoutCause = {"observed_refusal", "path_changed_since"};
  const auto listed = rule_names();
  std::set<std::string> rules(listed.begin(), listed.end());
  EXPECT_EQ(stems("/agent/diagnose/rules"), rules);
  for (const auto& rule : kWithoutCause) EXPECT_EQ(rules.erase(rule), 1u) << rule;
  EXPECT_EQ(rules, known_causes());
}

TEST(Documents, EveryCauseHasATestFileOfItsOwn) {
  std::set<std::string> files;
  for (const Cause cause : all_causes()) files.insert(std::string(to_string(cause)) + "_test");
  EXPECT_EQ(stems("/tests/unit/rules"), files);
}

TEST(Documents, TheSchemaKnowsEveryCause) {
  const std::string text = text_of("/docs/records.schema.json");
  for (const Cause cause : all_causes())
    EXPECT_NE(text.find("\"" + std::string(to_string(cause)) + "\""), std::string::npos) << to_string(cause);
}

}  // namespace
}  // namespace sockward
