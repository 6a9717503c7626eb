// A program was given a socket path that does not fit, refused it itself, and left: the kernel never saw the
// name (swtpm, qemu, curl, ssh, and most others).
//
// Likely at most: that the name was the reason is concluded from an argument, no call with it, and a status
// that is not 0; the program's own message is not read.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr std::chrono::seconds kYoung{10};

class PathRefusedInUserspace final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* end = std::get_if<ProcessExit>(&seen.event.call);
    if (end == nullptr || !end->failed()) return std::nullopt;
    const auto name = seen.history.pending_name(seen.event);
    if (!name) return std::nullopt;
    const auto lived = std::chrono::nanoseconds(seen.event.time.ns - name->time.ns);
    if (lived > kYoung) return std::nullopt;
    Diagnosis found{.cause = Cause::path_refused_in_userspace, .confidence = Confidence::likely};
    found.name = name->path;
    found.evidence = {fmt::format("it was started with a socket path of {}{} bytes, {} fit: {}",
                                  name->clipped ? "at least " : "", name->path.size(), kUsablePathBytes,
                                  printable(name->path).text),
                      "it made no bind or connect with it",
                      fmt::format("it ended with status {} after {:.1f} ms", end->status >> 8 & 0xFF,
                                  std::chrono::duration<double, std::milli>(lived).count()),
                      budget_text(name->path)};
    found.advice = shorten_advice();
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_path_refused_in_userspace() {
  return std::make_unique<PathRefusedInUserspace>();
}

}  // namespace sockward
