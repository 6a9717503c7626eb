#pragma once
#include <stdexcept>
#include <string>

namespace sockward {

/// The agent cannot start. Caught once, in main. `what()` says what failed and why; `next_step` what to do.
class StartupError : public std::runtime_error {
 public:
  /// The exit codes: docs/contract.md. The last two are of a command that was to be run, as in sh(1).
  enum class Kind { failure = 1, usage = 2, not_executable = 126, not_found = 127 };

  StartupError(Kind kind, const std::string& what, std::string next_step)
      : std::runtime_error(what), kind_(kind), next_step_(std::move(next_step)) {}

  Kind kind() const { return kind_; }
  const std::string& next_step() const { return next_step_; }

 private:
  Kind kind_;
  std::string next_step_;
};

inline StartupError failure(const std::string& what, std::string next_step) {
  return {StartupError::Kind::failure, what, std::move(next_step)};
}

inline StartupError usage_error(const std::string& what, std::string next_step) {
  return {StartupError::Kind::usage, what, std::move(next_step)};
}

}  // namespace sockward
