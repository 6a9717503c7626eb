#include "record/context.hpp"

#include "base/printable.hpp"

namespace sockward {

std::string_view to_string(SystemdUnit::Manager manager) {
  static constexpr std::string_view kNames[] = {"system", "user", "container"};
  return kNames[static_cast<std::size_t>(manager)];
}

std::string ContainerIdentity::label() const {
  constexpr std::size_t kLongest = 200, kShortId = 12;
  if (is_host()) return "host";
  std::string text;
  if (pod.empty())
    text = runtime + ":" + (name.empty() ? id.substr(0, kShortId) : name);
  else
    text = "k8s:" + pod_namespace + "/" + pod + (pod_container.empty() ? "" : "/" + pod_container);
  text = printable(text).text;
  if (text.size() <= kLongest) return text;
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
  return text.substr(0, cut);
}

}  // namespace sockward
