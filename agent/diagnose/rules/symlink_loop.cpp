// A true loop of symbolic links: more than 40 on the way (path_resolution(7)).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kNoSymlinks = 4;  // RESOLVE_NO_SYMLINKS

/// The links from the first one that comes again until it does.
std::string cycle_of(const std::vector<std::string>& links) {
  for (std::size_t start = 0; start < links.size(); ++start) {
    const auto again =
        std::find(links.begin() + static_cast<std::ptrdiff_t>(start) + 1, links.end(), links[start]);
    if (again == links.end()) continue;
    std::string text;
    for (auto link = links.begin() + static_cast<std::ptrdiff_t>(start); link <= again; ++link)
      text += (text.empty() ? "" : " -> ") + printable(*link).text;
    return text;
  }
  return "";
}

class SymlinkLoop final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    if (seen.event.error() != ELOOP) return std::nullopt;
    const auto* call = std::get_if<PathCall>(&seen.event.call);
    if (call != nullptr && (!call->arguments_readable || (call->resolve & kNoSymlinks) != 0))
      return std::nullopt;
    const auto path = resolved_path(seen.event);
    if (!path) return std::nullopt;
    const auto trace = seen.host.trace_path(seen.event, *path, true);
    if (!trace || !trace->loops) return std::nullopt;
    Diagnosis found{.cause = Cause::symlink_loop, .confidence = Confidence::likely};
    found.evidence.push_back(
        fmt::format("{} leads through more than 40 symbolic links", printable(*path).text));
    if (const std::string cycle = cycle_of(trace->links); !cycle.empty()) {
      found.confidence = Confidence::certain;
      found.evidence.push_back("they go in a circle: " + cycle);
    }
    found.advice = "remove or correct one of the links";
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_symlink_loop() {
  return std::make_unique<SymlinkLoop>();
}

}  // namespace sockward
