#include "host/containers/names/container_names.hpp"

#include <rapidjson/document.h>

#include "host/containers/names/name_source.hpp"

namespace sockward {
namespace {

// In this order; the first that knows the container is taken.
constexpr NameSource kSources[] = {names_from_kubelet, names_from_bundle, names_from_docker,
                                   names_from_podman};

constexpr std::size_t kLongest = 253;  // a DNS subdomain, which names of Kubernetes are

std::string shortened(std::string text) {
  if (text.size() > kLongest) text.resize(kLongest);
  return text;
}

ContainerNames find_names(const NodeFiles& node, const ContainerIdentity& container,
                          const std::string& cgroup_path) {
  ContainerNames best;
  for (const NameSource source : kSources) {
    auto names = source(node, container, cgroup_path);
    if (!names) continue;
    // Of a pod that one source knows another may know the container, too.
    if (best.pod.empty() || !names->pod_container.empty()) best = std::move(*names);
    if (!best.name.empty() || !best.pod_container.empty()) break;
  }
  return best;
}

}  // namespace

std::optional<std::string> json_text_at(const std::string& json, const std::vector<std::string>& path) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) return std::nullopt;
  const rapidjson::Value* value = &document;
  for (const std::string& key : path) {
    if (!value->IsObject()) return std::nullopt;
    const auto member = value->FindMember(key.c_str());
    if (member == value->MemberEnd()) return std::nullopt;
    value = &member->value;
  }
  if (!value->IsString()) return std::nullopt;
  return std::string(value->GetString(), value->GetStringLength());
}

ContainerNamer::ContainerNamer(const std::string& root)
    : node_(std::make_shared<const NodeFiles>(root)), worker_(std::chrono::milliseconds(100)) {}

bool ContainerNamer::fill_names(ContainerIdentity& container, const std::string& cgroup_path) {
  if (container.id.empty()) return true;  // the cgroup says all there is
  const auto names = worker_.with_timeout<ContainerNames>(
      [node = node_, container, cgroup_path]() -> Result<ContainerNames> {
        return find_names(*node, container, cgroup_path);
      });
  if (!names) return false;
  if (container.name.empty()) container.name = shortened(names->name);
  container.pod_namespace = shortened(names->pod_namespace);
  container.pod = shortened(names->pod);
  container.pod_container = shortened(names->pod_container);
  return !container.name.empty() || !container.pod_container.empty();
}

}  // namespace sockward
