// A program was given a socket path that does not fit, refused it itself, and left: the kernel never saw the
// name (swtpm, qemu, curl, ssh, and most others).
//
// Likely at most: that the name was the reason is concluded from an argument, no call with it, and a status
// that is not 0; or, where it is read (probes.stderr_text), from what the program wrote before it left.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "diagnose/path_budget.hpp"
#include "diagnose/refusal_message.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr std::chrono::seconds kYoung{10};

class PathRefusedInUserspace final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* end = std::get_if<ProcessExit>(&seen.event.call);
    if (end == nullptr || !end->failed()) return std::nullopt;
    const auto name = seen.history.pending_name(seen.event);
    const auto said = refusal_in(end->message);
    if (!name) return said ? from_message(*end, *said) : std::nullopt;
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
    if (said) found.evidence.push_back("it wrote: " + printable(said->line).text);
    found.advice = shorten_advice();
    return found;
  }

  static std::optional<Diagnosis> from_message(const ProcessExit& end, const RefusalMessage& said) {
    Diagnosis found{.cause = Cause::path_refused_in_userspace, .confidence = Confidence::likely};
    found.name = said.path;
    found.evidence = {"it wrote: " + printable(said.line).text,
                      fmt::format("it ended with status {}", end.status >> 8 & 0xFF)};
    if (!said.path.empty()) found.evidence.push_back(budget_text(said.path));
    found.advice = shorten_advice();
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_path_refused_in_userspace() {
  return std::make_unique<PathRefusedInUserspace>();
}

}  // namespace sockward
