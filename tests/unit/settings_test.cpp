// The table of settings: what it takes and refuses, and what flags and reloads make of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "config/settings_table.hpp"

namespace sockward::test {
namespace {

using ::testing::HasSubstr;

struct Refusal {
  std::string what, next_step;
};

/// What is said of one value of one setting.
Refusal refusal(const SettingsSection& section, const Setting& setting, const std::string& value) {
  try {
    parse_settings(fmt::format("{}: {{{}: {}}}", section.name, setting.key, value), "f.yml");
    return {"it was taken", ""};
  } catch (const StartupError& error) {
    EXPECT_EQ(error.kind(), StartupError::Kind::usage);
    return {error.what(), error.next_step()};
  }
}

template <class Body>
void for_each_setting(const Body& body) {
  for (const SettingsSection& section : settings_table())
    for (const Setting& setting : section.settings) body(section, setting);
}

TEST(SettingsTable, NamesEachSettingOnceAndSaysInPlainTextWhatItMeans) {
  std::set<std::string> names, flags;
  for_each_setting([&](const SettingsSection& section, const Setting& setting) {
    const std::string name = fmt::format("{}.{}", section.name, setting.key);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_FALSE(setting.help.empty()) << name;
    EXPECT_TRUE(is_plain(setting.help)) << name;
    EXPECT_FALSE(setting.help.ends_with('.')) << name;
    EXPECT_TRUE(setting.flag.empty() || flags.emplace(setting.flag).second) << name;
  });
}

TEST(SettingsTable, RefusesWhatIsOutOfRangeAndSaysTheRange) {
  for_each_setting([](const SettingsSection& section, const Setting& setting) {
    const auto ends = std::visit(
        [](const auto& kind) {
          if constexpr (requires { kind.range; }) return kind.range;
          return Range{};
        },
        setting.kind);
    const auto refused = [&](std::uint64_t value) {
      const Refusal said = refusal(section, setting, std::to_string(value));
      EXPECT_THAT(said.what,
                  HasSubstr(fmt::format("{}.{}: {} is out of range", section.name, setting.key, value)));
      EXPECT_EQ(said.next_step, fmt::format("choose {} to {}", ends.least, ends.most));
    };
    if (ends.least > 0) refused(ends.least - 1);
    if (ends.most != Range::kNoEnd) refused(ends.most + 1);
  });
}

TEST(SettingsTable, TakesEachChoiceByItsNameAndNamesTheNearestOfAWrongOne) {
  for_each_setting([](const SettingsSection& section, const Setting& setting) {
    const auto* choice = std::get_if<kind::Choice>(&setting.kind);
    if (choice == nullptr) return;
    for (std::size_t i = 0; i < choice->names.size(); ++i) {
      const std::string name(choice->names[i]);
      const Settings taken =
          parse_settings(fmt::format("{}: {{{}: {}}}", section.name, setting.key, name), "f.yml");
      EXPECT_EQ(choice->at.of(taken), i) << name;
      const Refusal said = refusal(section, setting, name + "x");
      EXPECT_EQ(said.what, fmt::format("f.yml:1: {}.{}: \"{}x\" is not one of its values", section.name,
                                       setting.key, name));
      EXPECT_EQ(said.next_step, fmt::format("did you mean \"{}\"?", name));
    }
  });
}

TEST(SettingsTable, WhatItShowsIsWhatItTakes) {
  EXPECT_EQ(annotated_settings(parse_settings(annotated_settings(), "f.yml")), annotated_settings());
  Settings settings;
  settings.probes.errors = {"EACCES", "EPERM"};
  settings.probes.backend = Settings::Probes::Backend::tracepoint;
  settings.records.file = "/var/log/a \"quoted\" \\ file: # one";
  settings.records.file_max_bytes = 1000;
  settings.records.fold = std::chrono::seconds(0);
  settings.records.ignore_paths = {"/run/*"};
  settings.alerts.min_severity = Severity::error;
  settings.alerts.labels = {{"site", "a b"}, {"rack", "7"}};
  settings.alerts.access.username = "*";
  settings.restart.pin_path.reset();
  settings.web.enable_ui = true;
  const std::string text = annotated_settings(settings);
  EXPECT_THAT(text, HasSubstr("pin_path: off\n"));
  EXPECT_EQ(annotated_settings(parse_settings(text, "f.yml")), text);
}

TEST(SettingsFlags, WinOverTheFile) {
  Settings settings = parse_settings("probes: {backend: tracepoint}\nrecords: {output: text}", "f.yml");
  override_settings(settings, {{"--probe.backend", {"auto"}},
                               {"--records.output", {"json"}},
                               {"--restart.pin-path", {"off"}},
                               {"--web.enable-ui", {"true"}},
                               {"--web.listen-address", {"[::1]:1", ":2"}},
                               {"--web.allowed-host", {"node.example"}}});
  EXPECT_EQ(settings.probes.backend, Settings::Probes::Backend::automatic);
  EXPECT_EQ(settings.records.output, Settings::Records::Output::json);
  EXPECT_FALSE(settings.restart.pin_path.has_value());
  EXPECT_TRUE(settings.web.enable_ui);
  EXPECT_EQ(settings.web.listen_address, (std::vector<std::string>{"[::1]:1", ":2"}));
  EXPECT_EQ(settings.web.allowed_hosts, std::vector<std::string>{"node.example"});
}

TEST(SettingsFlags, AreCheckedLikeTheFile) {
  const auto said_of = [](const FlagValues& flags) -> std::string {
    Settings settings;
    try {
      override_settings(settings, flags);
      return "it was taken";
    } catch (const StartupError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(said_of({{"--records.output", {"jsn"}}}), "records.output: \"jsn\" is not one of its values");
  EXPECT_EQ(said_of({{"--restart.pin-path", {"/a.b"}}}),
            "restart.pin_path: \"/a.b\" is not an absolute path without dots");
  EXPECT_EQ(said_of({{"--web.telemetry-path", {"metrics"}}}), "web.telemetry_path must begin with /");
}

TEST(SettingsReload, NamesTheSectionsThatOnlyANewStartChanges) {
  const Settings now;
  Settings wanted;
  wanted.records.file = "/x";
  wanted.records.command_args = CommandArgs::full;
  wanted.alerts.hold = std::chrono::seconds(1);
  wanted.otlp.access.username = "u";
  EXPECT_EQ(sections_needing_restart(now, wanted), "");
  wanted.web.enable_ui = true;
  wanted.probes.backend = Settings::Probes::Backend::fexit;
  EXPECT_EQ(sections_needing_restart(now, wanted), "probes, web");
}

}  // namespace
}  // namespace sockward::test
