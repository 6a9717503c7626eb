#include "config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "config/settings_table.hpp"
#include "config/yaml_keys.hpp"

namespace sockward {
namespace {

YamlFile settings_file(const std::string& file) {
  return {file, "all keys are in docs/configuration.md"};
}

std::string full_name(const SettingsSection& section, const Setting& setting) {
  return fmt::format("{}.{}", section.name, setting.key);
}

template <class T>
T scalar(const YAML::Node& node, const char* what) {
  try {
    return node.as<T>();
  } catch (const YAML::Exception&) {
    throw usage_error(fmt::format("this value must be {}", what), "see docs/configuration.md");
  }
}

std::string text_of(const YAML::Node& node) {
  return scalar<std::string>(node, "a text");
}

bool is_label_name(const std::string& name) {
  constexpr const char* kGood = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return !name.empty() && name.find_first_not_of(kGood) == std::string::npos &&
         (name[0] < '0' || name[0] > '9');
}

/// Gives one setting the value of a node. Throws StartupError without a place, which YamlFile adds; labels
/// have lines of their own.
struct Taker {
  Settings& settings;
  std::string name;  ///< "records.fold"
  const YAML::Node& node;
  const YamlFile& origin;

  void operator()(const kind::Text& text) const { text.at.in(settings) = text_of(node); }

  void operator()(const kind::TextOrOff& text) const {
    auto& value = text.at.in(settings);
    value = text_of(node);
    if (value == "off") value.reset();
  }

  void operator()(const kind::Switch& flag) const {
    flag.at.in(settings) = scalar<bool>(node, "true or false");
  }

  void operator()(const kind::Number& number) const {
    number.at.in(settings) = scalar<std::uint32_t>(node, "a whole number, 0 or more");
  }

  void operator()(const kind::Bytes& bytes) const {
    bytes.at.in(settings) = parse_bytes(node.as<std::string>(""), name);
  }

  void operator()(const kind::Duration& duration) const {
    duration.at.in(settings) = parse_duration(node.as<std::string>(""), name);
  }

  void operator()(const kind::List& list) const {
    if (!node.IsScalar() && !node.IsSequence())
      throw usage_error("this must be a text or a list of texts", "see docs/configuration.md");
    auto& values = list.at.in(settings);
    values.clear();
    if (node.IsScalar()) values.push_back(node.Scalar());
    if (node.IsSequence())
      for (const auto& item : node) values.push_back(item.as<std::string>(""));
  }

  /// Names as Prometheus has them: Alertmanager refuses others.
  void operator()(const kind::Labels& labels) const {
    if (!node.IsMap()) throw usage_error("labels must map names to texts", "see docs/configuration.md");
    auto& values = labels.at.in(settings);
    values.clear();
    for (const auto& entry : node) {
      const auto label = entry.first.as<std::string>(""), value = entry.second.as<std::string>("");
      if (!is_label_name(label))
        throw origin.at(entry.first, fmt::format("\"{}\" is no label name", printable(label).text),
                        "letters, digits and underscores, no digit first");
      values[label] = value;
    }
  }

  void operator()(const kind::Choice& choice) const {
    const std::string value = text_of(node);
    const auto found = std::find(choice.names.begin(), choice.names.end(), value);
    if (found == choice.names.end())
      throw usage_error(fmt::format("{}: \"{}\" is not one of its values", name, printable(value).text),
                        fmt::format("did you mean \"{}\"?", nearest(value, choice.names)));
    choice.at.set(settings, static_cast<std::size_t>(found - choice.names.begin()));
  }
};

YamlFile::Keys keys_of(const SettingsSection& section, Settings& settings, const YamlFile& origin) {
  YamlFile::Keys keys;
  for (const Setting& setting : section.settings)
    keys.emplace(setting.key, [&settings, &section, &setting, &origin](const YAML::Node& node) {
      std::visit(Taker{settings, full_name(section, setting), node, origin}, setting.kind);
    });
  return keys;
}

YamlFile::Keys keys_of_all(Settings& settings, const YamlFile& origin) {
  YamlFile::Keys sections;
  for (const SettingsSection& section : settings_table())
    sections.emplace(section.name, [&settings, &section, &origin](const YAML::Node& node) {
      origin.apply(node, std::string(section.name), keys_of(section, settings, origin));
    });
  return sections;
}

std::uint64_t count_of(std::uint32_t number) {
  return number;
}
std::uint64_t count_of(std::chrono::seconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

void require_range(std::uint64_t value, const std::string& name, const Range& range) {
  if (value >= range.least && value <= range.most) return;
  throw usage_error(fmt::format("{}: {} is out of range", name, value),
                    fmt::format("choose {} to {}", range.least, range.most));
}

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

std::uint64_t with_unit(const std::string& text, const std::string& what, std::initializer_list<Unit> units,
                        std::uint64_t most) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const std::string_view suffix(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  for (const Unit& unit : units)
    if (parsed.ec == std::errc() && suffix == unit.suffix && number <= most / unit.factor)
      return number * unit.factor;
  throw usage_error(fmt::format("{}: \"{}\" is not a size or time it takes", what, printable(text).text),
                    units.size() == 4 ? "write e.g. 90s, 10m or 2h" : "write e.g. 512KiB or 4MiB");
}

}  // namespace

std::string place_of(const std::string& setting, const char* directory_variable, const char* file) {
  if (setting == "off") return "";
  if (setting != "auto") return setting;
  const char* directories =
      std::getenv(directory_variable);  // NOLINT(concurrency-mt-unsafe): nobody sets any
  const std::string all = directories == nullptr ? "" : directories;
  const std::string first = all.substr(0, all.find(':'));
  return first.empty() ? "" : first + "/" + file;
}

std::string store_path(const Settings& settings) {
  return place_of(settings.records.store, "STATE_DIRECTORY", "records.db");
}

std::string query_socket(const Settings& settings) {
  return place_of(settings.query.socket, "RUNTIME_DIRECTORY", "query.sock");
}

std::string system_bus(const Settings& settings) {
  if (settings.host.system_bus == "off") return "";
  // Of process 1: the agent may be in a container that sees the host's processes.
  return settings.host.system_bus == "auto" ? "/proc/1/root/run/dbus/system_bus_socket"
                                            : settings.host.system_bus;
}

std::chrono::seconds parse_duration(const std::string& text, const std::string& what) {
  return std::chrono::seconds(
      with_unit(text, what, {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}}, std::uint64_t{365} * 86400));
}

std::uint32_t parse_bytes(const std::string& text, const std::string& what) {
  return static_cast<std::uint32_t>(
      with_unit(text, what, {{"", 1}, {"KiB", 1024}, {"MiB", 1 << 20}}, 1u << 31));
}

Settings parse_settings(const std::string& yaml, const std::string& file) {
  Settings settings;
  const YamlFile origin = settings_file(file);
  origin.apply(yaml, keys_of_all(settings, origin));
  try {
    validate(settings);
  } catch (const StartupError& error) {
    throw usage_error(fmt::format("{}: {}", file, error.what()), error.next_step());
  }
  return settings;
}

Settings load_settings(const std::string& file) {
  return parse_settings(settings_file(file).read("--config.file"), file);
}

void override_settings(Settings& settings, const FlagValues& flags) {
  const YamlFile command_line = settings_file("the command line");
  for (const SettingsSection& section : settings_table())
    for (const Setting& setting : section.settings) {
      const auto given = flags.find(setting.flag);
      if (given == flags.end() || given->second.empty()) continue;
      const auto& values = given->second;
      const YAML::Node node = values.size() == 1 ? YAML::Node(values.front()) : YAML::Node(values);
      std::visit(Taker{settings, full_name(section, setting), node, command_line}, setting.kind);
    }
  validate(settings);
}

void validate(const Settings& settings) {
  for (const SettingsSection& section : settings_table())
    for (const Setting& setting : section.settings) {
      std::visit(
          [&](const auto& kind) {
            if constexpr (requires { kind.range; })
              require_range(count_of(kind.at.of(settings)), full_name(section, setting), kind.range);
          },
          setting.kind);
      if (setting.check != nullptr) setting.check(settings);
    }
}

std::string sections_needing_restart(const Settings& now, const Settings& wanted) {
  const auto same = [&](const Setting& setting) {
    return std::visit([&](const auto& kind) { return kind.at.of(now) == kind.at.of(wanted); }, setting.kind);
  };
  std::string names;
  for (const SettingsSection& section : settings_table())
    if (!section.reloadable && !std::all_of(section.settings.begin(), section.settings.end(), same))
      names.append(names.empty() ? "" : ", ").append(section.name);
  return names;
}

}  // namespace sockward
