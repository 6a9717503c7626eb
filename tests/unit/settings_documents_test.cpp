// The documents that are made from the table of settings, or have its keys.
// `SOCKWARD_UPDATE_GOLDEN=1 unit_tests` writes its part of docs/configuration.md and sockward.yml anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "config/settings_table.hpp"

namespace sockward::test {
namespace {

std::string text_of(const std::string& file) {
  std::ifstream stream(SOCKWARD_SOURCE_DIR + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Compares what a file has between two texts, or up to its end.
void compare_part(const std::string& file, const std::string& before, const std::string& after,
                  const std::string& wanted) {
  std::string text = text_of(file);
  std::size_t begin = text.find(before);
  ASSERT_NE(begin, std::string::npos) << file;
  begin += before.size();
  const std::size_t end = after.empty() ? text.size() : text.find(after, begin);
  ASSERT_NE(end, std::string::npos) << file;
  if (std::getenv("SOCKWARD_UPDATE_GOLDEN") != nullptr)
    std::ofstream(SOCKWARD_SOURCE_DIR + file) << text.replace(begin, end - begin, wanted);
  else
    EXPECT_EQ(text.substr(begin, end - begin), wanted) << file << ": write it with SOCKWARD_UPDATE_GOLDEN=1";
}

std::string as_comment(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += "# " + line + "\n";
  return result;
}

TEST(SettingsDocuments, AreWhatTheTableShows) {
  compare_part("/docs/configuration.md", "\n```yaml\n", "```\n", annotated_settings());
  compare_part("/packaging/config/sockward.yml", "\n#\n", "", as_comment(annotated_settings()));
}

TEST(SettingsDocuments, HaveNoLineThatIsTooLong) {
  std::istringstream lines(as_comment(annotated_settings()));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
}

/// The rows of docs/contract.md look like this: | `names` | `near_limit_bytes`, … | no |
TEST(SettingsDocuments, TheContractHasEachKeyAndWhetherAReloadChangesIt) {
  std::set<std::string> promised, known;
  const std::string text = text_of("/docs/contract.md");
  const std::size_t table = text.find("| section | keys | changed by reload |");
  ASSERT_NE(table, std::string::npos);
  std::istringstream lines(text.substr(table));
  for (std::string line; std::getline(lines, line) && line.starts_with('|');) {
    std::vector<std::string> words;  // those in backquotes
    for (std::size_t open = line.find('`'); open != std::string::npos; open = line.find('`', open)) {
      const std::size_t close = line.find('`', open + 1);
      words.push_back(line.substr(open + 1, close - open - 1));
      open = close + 1;
    }
    for (std::size_t i = 1; i < words.size(); ++i)
      promised.insert(words[0] + "." + words[i] + (line.ends_with("| yes |") ? " reload" : " restart"));
  }
  for (const SettingsSection& section : settings_table())
    for (const Setting& setting : section.settings)
      known.insert(
          fmt::format("{}.{} {}", section.name, setting.key, section.reloadable ? "reload" : "restart"));
  EXPECT_EQ(promised, known);
}

}  // namespace
}  // namespace sockward::test
