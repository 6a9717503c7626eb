#pragma once
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.hpp"

namespace sockward {

/// Where a value lies in Settings.
template <class T>
struct At {
  T& (*in)(Settings&);
  const T& (*of)(const Settings&);
};

/// Both ends are included.
struct Range {
  static constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t least = 0, most = kNoEnd;
};

/// Kinds of settings: what a value may be, and where it lies.
namespace kind {

struct Text {
  At<std::string> at;
};
/// Written "off" for nullopt.
struct TextOrOff {
  At<std::optional<std::string>> at;
};
struct Switch {
  At<bool> at;
};
struct Number {
  At<std::uint32_t> at;
  Range range = {};
};
/// Written 64KiB, 1MiB or as a number.
struct Bytes {
  At<std::uint32_t> at;
  Range range = {};
};
/// Written 90s, 10m, 2h or as a number of seconds; the range is in seconds.
struct Duration {
  At<std::chrono::seconds> at;
  Range range = {};
};
/// Written as a list of texts, or as one text.
struct List {
  At<std::vector<std::string>> at;
};
/// Names of labels to texts.
struct Labels {
  At<std::map<std::string, std::string>> at;
};
/// An enum, as the index of its enumerators.
struct Choice {
  struct {
    void (*set)(Settings&, std::size_t);
    std::size_t (*of)(const Settings&);
  } at;
  std::span<const std::string_view> names;  ///< one for each enumerator, in their order
};

}  // namespace kind

using SettingKind = std::variant<kind::Text, kind::TextOrOff, kind::Switch, kind::Number, kind::Bytes,
                                 kind::Duration, kind::List, kind::Labels, kind::Choice>;

/// One setting: all that parsing, validation, flags, completion and documents need to know of it.
struct Setting {
  std::string_view key;
  SettingKind kind;
  std::string_view help;       ///< one line; range and choices are added to it
  std::string_view flag = {};  ///< of `run`; empty: none
  /// What a range cannot say. Throws StartupError (usage).
  void (*check)(const Settings&) = nullptr;
};

struct SettingsSection {
  std::string_view name;
  std::span<const Setting> settings;
  bool reloadable;  ///< a reload changes it; otherwise only a new start
  std::string_view help = {};
};

/// Every setting there is, in the order of the documents.
std::span<const SettingsSection> settings_table();

/// What --help says of a setting that has a flag: its meaning and, in parentheses, its default.
std::string flag_help(const Setting& setting);

}  // namespace sockward
