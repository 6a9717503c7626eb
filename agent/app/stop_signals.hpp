#pragma once
#include <csignal>

namespace sockward {

/// Blocks the signals that steer the agent, for this thread and those it will start. Also ignores SIGPIPE.
class StopSignals {
 public:
  StopSignals();
  /// Waits for SIGINT or SIGTERM, at most `seconds` (0: for ever). SIGHUP and SIGUSR1 do nothing.
  void wait(double seconds) const;
  /// What came within `seconds`: SIGHUP; SIGINT or SIGTERM; SIGUSR1, to stop and leave the programs to the
  /// next agent.
  enum class Came { nothing, hangup, stop, hand_over };
  Came next(double seconds) const;

 private:
  sigset_t signals_;
};

}  // namespace sockward
