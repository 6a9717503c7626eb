// A runtime cut a long socket path to the 108 bytes of sun_path and went on (node up to 22, libuv, perl).
//
// A path of exactly 108 bytes is legal, so that alone makes it likely. It is certain when the process has an
// argument that goes on where the name stops.
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

/// The path within an argument that begins with `name` and is longer: at the start, or behind "path=",
/// "unix:".
std::optional<std::string> longer_name(const std::string& argument, const std::string& name) {
  const std::size_t at = argument.find(name);
  if (at == std::string::npos || at + name.size() >= argument.size()) return std::nullopt;
  if (at > 0 && argument[at - 1] != '=' && argument[at - 1] != ':' && argument[at - 1] != '/')
    return std::nullopt;
  return argument.substr(at);
}

class PathTruncated final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    if (call == nullptr || call->family != AF_UNIX || call->address.kind != AddressKind::path)
      return std::nullopt;
    if (call->address_length != kUnixAddressMax || call->address.name.size() != std::size_t{kUnixPathMax})
      return std::nullopt;
    Diagnosis found{.cause = Cause::path_truncated, .confidence = Confidence::likely};
    found.evidence.push_back(fmt::format("the name fills all {} bytes of sun_path, without NUL{}",
                                         kUnixPathMax, call->kernel_copy ? " (the kernel's own copy)" : ""));
    add_longer_argument(seen, call->address.name, found);
    found.advice =
        "the program uses the shortened name, so others that are given the full one do not meet it: " +
        shorten_advice();
    return found;
  }

  static void add_longer_argument(const Observation& seen, const std::string& name, Diagnosis& found) {
    const auto arguments = seen.host.arguments(process_of(seen.event));
    if (!arguments) {
      found.evidence.emplace_back("its arguments are not visible: " + arguments.error().text());
      return;
    }
    for (const auto& argument : *arguments) {
      const auto longer = longer_name(argument, name);
      if (!longer) continue;
      found.confidence = Confidence::certain;
      found.evidence.push_back(
          fmt::format("an argument of the process goes on where the name stops, {} bytes: {}", longer->size(),
                      printable(*longer).text));
      return;
    }
    found.evidence.emplace_back(
        "no argument of the process begins with this name: the path may come from a file, or be "
        "meant so");
  }
};

}  // namespace

std::unique_ptr<Rule> rule_path_truncated() {
  return std::make_unique<PathTruncated>();
}

}  // namespace sockward
