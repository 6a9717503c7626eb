#include "record/cause.hpp"

#include <array>

namespace sockward {
namespace {

/// The calls that a cause explains, under its name.
namespace explained {
using enum Syscall;
#define SOCKWARD_EXPLAINED(name, severity, ...) constexpr std::array name = {__VA_ARGS__};
SOCKWARD_CAUSES(SOCKWARD_EXPLAINED)
#undef SOCKWARD_EXPLAINED
}  // namespace explained

struct Row {
  Cause cause;
  std::string_view name;
  Severity severity;
  std::span<const Syscall> calls;
};

constexpr Row kRows[] = {
#define SOCKWARD_ROW(name, severity, ...) {Cause::name, #name, Severity::severity, explained::name},
    SOCKWARD_CAUSES(SOCKWARD_ROW)
#undef SOCKWARD_ROW
};

constexpr auto kCauses = [] {
  std::array<Cause, std::size(kRows)> causes{};
  for (std::size_t i = 0; i < causes.size(); ++i) causes[i] = kRows[i].cause;
  return causes;
}();

const Row& row_of(Cause cause) {
  return kRows[static_cast<std::size_t>(cause)];
}

}  // namespace

std::string_view to_string(Cause cause) {
  return row_of(cause).name;
}

std::span<const Cause> all_causes() {
  return kCauses;
}

Severity usual_severity(Cause cause) {
  return row_of(cause).severity;
}

std::span<const Syscall> calls_explained_by(Cause cause) {
  return row_of(cause).calls;
}

std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::certain:
      return "certain";
    case Confidence::likely:
      return "likely";
    case Confidence::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace sockward
