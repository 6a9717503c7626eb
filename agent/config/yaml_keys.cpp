#include "config/yaml_keys.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/read_file.hpp"
#include "base/result.hpp"

namespace sockward {

StartupError YamlFile::at(const YAML::Node& node, const std::string& what, const std::string& next) const {
  return usage_error(fmt::format("{}:{}: {}", file_, node.Mark().line + 1, printable(what).text), next);
}

std::string YamlFile::read(const char* flag) const {
  constexpr std::size_t kLargest = std::size_t{1} << 20;
  auto text = read_file(file_, kLargest + 1);
  if (!text) throw usage_error(text.error().text(), std::string("check ") + flag);
  if (text->size() > kLargest)
    throw usage_error(file_ + " is larger than 1 MiB: no configuration is", std::string("check ") + flag);
  return std::move(*text);
}

void YamlFile::apply(const std::string& yaml, const Keys& keys) const {
  YAML::Node root;
  try {
    root = YAML::Load(yaml);
  } catch (const YAML::Exception& error) {
    throw usage_error(fmt::format("{}:{}: {}", file_, error.mark.line + 1, printable(error.msg).text),
                      "the file must be YAML; " + advice_);
  }
  apply(root, "", keys);
}

void YamlFile::apply(const YAML::Node& node, const std::string& section, const Keys& keys) const {
  const std::string where = section.empty() ? "the file" : section;
  if (node.IsNull()) return;
  if (!node.IsMap()) throw at(node, where + " must be a mapping of keys to values", advice_);
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>("");
    const auto known = keys.find(key);
    if (known == keys.end()) {
      std::vector<std::string_view> names;
      for (const auto& [name, setter] : keys) names.push_back(name);
      throw at(entry.first, fmt::format("unknown key \"{}\" in {}", printable(key).text, where),
               fmt::format("did you mean \"{}\"? {}", nearest(key, names), advice_));
    }
    try {
      known->second(entry.second);
    } catch (const StartupError& error) {
      if (std::string_view(error.what()).starts_with(file_ + ":")) throw;
      throw at(entry.second, error.what(), error.next_step());  // of a value: it knows no place
    }
  }
}

}  // namespace sockward
