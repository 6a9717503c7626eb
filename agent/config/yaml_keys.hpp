#pragma once
#include <functional>
#include <map>
#include <string>

#include <yaml-cpp/yaml.h>

#include "base/startup_error.hpp"

namespace sockward {

/// Reads a YAML file whose keys are all known. Every complaint names file and line. For this folder's
/// sources.
class YamlFile {
 public:
  using Setter = std::function<void(const YAML::Node&)>;
  using Keys = std::map<std::string, Setter>;

  /// `advice` ends the next step of every complaint about a key.
  YamlFile(std::string file, std::string advice) : file_(std::move(file)), advice_(std::move(advice)) {}

  /// The whole text. Throws StartupError (usage) when it cannot be read.
  std::string read(const char* flag) const;
  /// Parses text and applies each key of its mapping.
  void apply(const std::string& yaml, const Keys& keys) const;
  /// Applies each key of a mapping; an unknown one is an error that names the nearest.
  void apply(const YAML::Node& node, const std::string& section, const Keys& keys) const;
  StartupError at(const YAML::Node& node, const std::string& what, const std::string& next) const;

 private:
  std::string file_, advice_;
};

}  // namespace sockward
