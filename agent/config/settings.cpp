#include "config/settings.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <map>

#include "base/errno_name.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/result.hpp"
#include "base/startup_error.hpp"
#include "config/yaml_keys.hpp"

namespace sockward {
namespace {

using Setter = YamlFile::Setter;
using Keys = YamlFile::Keys;
using Origin = YamlFile;

template <class T>
Setter scalar(T& target, const char* kind, const Origin& origin) {
  return [&target, kind, &origin](const YAML::Node& node) {
    try {
      target = node.as<T>();
    } catch (const YAML::Exception&) {
      throw origin.at(node, fmt::format("this value must be {}", kind), "see docs/configuration.md");
    }
  };
}

Setter texts(std::vector<std::string>& target, const Origin& origin) {
  return [&target, &origin](const YAML::Node& node) {
    if (!node.IsScalar() && !node.IsSequence())
      throw origin.at(node, "this must be a text or a list of texts", "see docs/configuration.md");
    target.clear();
    if (node.IsScalar()) target.push_back(node.Scalar());
    if (node.IsSequence())
      for (const auto& item : node) target.push_back(item.as<std::string>(""));
  };
}

template <class T, class Parse>
Setter parsed(T& target, Parse parse, const char* what) {
  return [&target, parse, what](const YAML::Node& node) { target = parse(node.as<std::string>(""), what); };
}

/// Label names as Prometheus has them: Alertmanager refuses others.
Setter labels(std::map<std::string, std::string>& target, const Origin& origin) {
  return [&target, &origin](const YAML::Node& node) {
    if (!node.IsMap()) throw origin.at(node, "labels must map names to texts", "see docs/configuration.md");
    target.clear();
    for (const auto& entry : node) {
      const auto name = entry.first.as<std::string>(""), value = entry.second.as<std::string>("");
      const bool good =
          !name.empty() &&
          name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") ==
              std::string::npos &&
          (name[0] < '0' || name[0] > '9');
      if (!good)
        throw origin.at(entry.first, fmt::format("\"{}\" is no label name", printable(name).text),
                        "letters, digits and underscores, no digit first");
      target[name] = value;
    }
  };
}

/// The keys of a section that reaches an HTTP server.
Keys with_access(Keys keys, Settings::Access& access, const Origin& o) {
  constexpr const char* kText = "a text";
  keys.insert({{"username", scalar(access.username, kText, o)},
               {"password_file", scalar(access.password_file, kText, o)},
               {"bearer_token_file", scalar(access.bearer_token_file, kText, o)},
               {"ca_file", scalar(access.ca_file, kText, o)},
               {"cert_file", scalar(access.cert_file, kText, o)},
               {"key_file", scalar(access.key_file, kText, o)}});
  return keys;
}

Keys sections(Settings& s, const Origin& o) {
  constexpr const char *kText = "a text", *kNumber = "a whole number, 0 or more", *kBool = "true or false";
  const auto section = [&o](const char* name, Keys keys) {
    return std::pair<const std::string, Setter>(
        name, [name, keys = std::move(keys), &o](const YAML::Node& node) { o.apply(node, name, keys); });
  };
  return {
      section("probes", {{"errno", texts(s.probes.errors, o)},
                         {"backend", scalar(s.probes.backend, kText, o)},
                         {"seccomp_denied", scalar(s.probes.seccomp_denied, kBool, o)},
                         {"stderr_text", scalar(s.probes.stderr_text, kBool, o)}}),
      section("names", {{"near_limit_bytes", scalar(s.names.near_limit_bytes, kNumber, o)}}),
      section("records",
              {{"output", scalar(s.records.output, kText, o)},
               {"file", scalar(s.records.file, kText, o)},
               {"file_max_bytes", parsed(s.records.file_max_bytes, parse_bytes, "records.file_max_bytes")},
               {"file_keep", scalar(s.records.file_keep, kNumber, o)},
               {"journald", scalar(s.records.journald, kBool, o)},
               {"command_args", scalar(s.records.command_args, kText, o)},
               {"fold", parsed(s.records.fold, parse_duration, "records.fold")},
               {"ignore_paths", texts(s.records.ignore_paths, o)}}),
      section("otlp", with_access({{"url", scalar(s.otlp.url, kText, o)}}, s.otlp.access, o)),
      section("alerts", with_access({{"alertmanagers", texts(s.alerts.alertmanagers, o)},
                                     {"min_severity", scalar(s.alerts.min_severity, kText, o)},
                                     {"causes", texts(s.alerts.causes, o)},
                                     {"hold", parsed(s.alerts.hold, parse_duration, "alerts.hold")},
                                     {"resend", parsed(s.alerts.resend, parse_duration, "alerts.resend")},
                                     {"labels", labels(s.alerts.labels, o)}},
                                    s.alerts.access, o)),
      section("metrics", {{"container_name_cap", scalar(s.metrics.container_name_cap, kNumber, o)},
                          {"container_name_ttl", parsed(s.metrics.container_name_ttl, parse_duration,
                                                        "metrics.container_name_ttl")}}),
      section("limits", {{"ring_bytes", parsed(s.limits.ring_bytes, parse_bytes, "limits.ring_bytes")},
                         {"queue_records", scalar(s.limits.queue_records, kNumber, o)},
                         {"source_entries", scalar(s.limits.source_entries, kNumber, o)},
                         {"bound_names", scalar(s.limits.bound_names, kNumber, o)},
                         {"walk_bytes", parsed(s.limits.walk_bytes, parse_bytes, "limits.walk_bytes")},
                         {"history_entries", scalar(s.limits.history_entries, kNumber, o)},
                         {"source_rate", scalar(s.limits.source_rate, kNumber, o)},
                         {"address_rate", scalar(s.limits.address_rate, kNumber, o)}}),
      section("web", {{"listen_address", texts(s.web.listen_address, o)},
                      {"telemetry_path", scalar(s.web.telemetry_path, kText, o)},
                      {"enable_ui", scalar(s.web.enable_ui, kBool, o)},
                      {"config_file", scalar(s.web.config_file, kText, o)},
                      {"external_url", scalar(s.web.external_url, kText, o)},
                      {"allowed_hosts", texts(s.web.allowed_hosts, o)}}),
      section("privileges",
              {{"drop", texts(s.privileges.drop, o)}, {"seccomp", scalar(s.privileges.seccomp, kBool, o)}}),
      section("restart", {{"pin_path", scalar(s.restart.pin_path, kText, o)},
                          {"keep_on_stop", scalar(s.restart.keep_on_stop, kBool, o)}}),
      section("host", {{"uts_namespace", scalar(s.host.uts_namespace, kNumber, o)}})};
}

void require_one_of(const std::string& value, const char* what,
                    std::initializer_list<std::string_view> choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw usage_error(fmt::format("{}: \"{}\" is not one of its values", what, printable(value).text),
                    fmt::format("did you mean \"{}\"?", nearest(value, choices)));
}

void require_range(std::uint64_t value, const char* what, std::uint64_t least, std::uint64_t most) {
  if (value >= least && value <= most) return;
  throw usage_error(fmt::format("{}: {} is out of range", what, value),
                    fmt::format("choose {} to {}", least, most));
}

/// An absolute path, or one that ends in /*.
void require_path_pattern(const std::string& path, const char* what) {
  const std::size_t star = path.find('*');
  const bool good = path.starts_with('/') &&
                    (star == std::string::npos || (star + 1 == path.size() && path.ends_with("/*")));
  if (good) return;
  throw usage_error(fmt::format("{}: \"{}\" is neither an absolute path nor one that ends in /*", what,
                                printable(path).text),
                    "write e.g. /run/nscd/socket, or /run/systemd/userdb/* for everything below a directory");
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

std::chrono::seconds parse_duration(const std::string& text, const std::string& what) {
  return std::chrono::seconds(
      with_unit(text, what, {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}}, std::uint64_t{365} * 86400));
}

std::uint32_t parse_bytes(const std::string& text, const std::string& what) {
  return static_cast<std::uint32_t>(
      with_unit(text, what, {{"", 1}, {"KiB", 1024}, {"MiB", 1 << 20}}, 1u << 31));
}

namespace {

YamlFile settings_file(const std::string& file) {
  return {file, "all keys are in docs/configuration.md"};
}

}  // namespace

Settings parse_settings(const std::string& yaml, const std::string& file) {
  Settings settings;
  const YamlFile origin = settings_file(file);
  origin.apply(yaml, sections(settings, origin));
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

void validate(const Settings& settings) {
  require_one_of(settings.probes.backend, "probes.backend", {"auto", "fexit", "tracepoint"});
  require_one_of(settings.records.output, "records.output", {"auto", "json", "text", "off"});
  require_one_of(settings.alerts.min_severity, "alerts.min_severity", {"INFO", "WARN", "ERROR"});
  require_range(static_cast<std::uint64_t>(settings.alerts.hold.count()), "alerts.hold", 1, 86400);
  require_range(static_cast<std::uint64_t>(settings.alerts.resend.count()), "alerts.resend", 1, 3600);
  require_range(settings.records.file_keep, "records.file_keep", 0, 100);
  require_one_of(settings.records.command_args, "records.command_args", {"off", "program", "full"});
  for (const auto& name : settings.probes.errors)
    if (name != "default" && name != "all" && !errno_number(name))
      throw usage_error(fmt::format("probes.errno: unknown error name \"{}\"", printable(name).text),
                        fmt::format("did you mean {}? Also: all, default", nearest_errno_name(name)));
  require_range(settings.names.near_limit_bytes, "names.near_limit_bytes", 0, 107);
  require_range(static_cast<std::uint64_t>(settings.records.fold.count()), "records.fold", 0, 3600);
  for (const auto& path : settings.records.ignore_paths) require_path_pattern(path, "records.ignore_paths");
  require_range(settings.metrics.container_name_cap, "metrics.container_name_cap", 1, 10000);
  require_range(settings.limits.ring_bytes, "limits.ring_bytes", 4096, 256u << 20);
  if (!std::has_single_bit(settings.limits.ring_bytes))
    throw usage_error(fmt::format("limits.ring_bytes: {} is not a power of two", settings.limits.ring_bytes),
                      "use e.g. 1MiB");
  require_range(settings.limits.queue_records, "limits.queue_records", 16, 1 << 20);
  require_range(settings.limits.source_entries, "limits.source_entries", 16, 1 << 20);
  require_range(settings.limits.source_rate, "limits.source_rate", 0, 1'000'000);
  require_range(settings.limits.address_rate, "limits.address_rate", 0, 1'000'000);
  require_range(settings.limits.bound_names, "limits.bound_names", 64, 1 << 20);
  require_range(settings.limits.walk_bytes, "limits.walk_bytes", 64u << 10, 256u << 20);
  require_range(settings.limits.history_entries, "limits.history_entries", 16, 1 << 16);
  if (settings.restart.pin_path != "off" && (!settings.restart.pin_path.starts_with('/') ||
                                             settings.restart.pin_path.find('.') != std::string::npos))
    throw usage_error(fmt::format("restart.pin_path: \"{}\" is not an absolute path without dots",
                                  printable(settings.restart.pin_path).text),
                      "names in a bpf file system cannot contain dots; or write off");
  if (!settings.web.telemetry_path.starts_with('/'))
    throw usage_error("web.telemetry_path must begin with /", "the default is /metrics");
}

}  // namespace sockward
