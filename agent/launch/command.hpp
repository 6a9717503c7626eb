#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "launch/identity.hpp"

namespace sockward {

/// What a command must get as this process got it: taken before the agent changes any of it.
class Inherited {
 public:
  Inherited();
  /// In the child. Async-signal-safe. false, with errno: something could not be given back.
  bool give_back() const;

 private:
  sigset_t mask_{};
  struct sigaction pipe_ {
  }, child_{};
  rlimit locked_memory_{};
};

/// How a process ended.
struct Ended {
  int status = 0;  ///< of waitpid(2)

  /// Its exit code; 128 and the signal when it was killed.
  int exit_code() const;
  /// "exited with 1", "was killed by SIGSEGV (core dumped)"
  std::string text() const;
};

/// Forks and executes the command, looked up in PATH; it keeps the terminal, process group and descriptors.
/// Returns its pid once it runs. Throws StartupError: not found (127), not executable (126), or it could not
/// be made to run as that user. nullopt: as whom this process runs.
pid_t start_command(const std::vector<std::string>& words, const std::optional<Identity>& identity,
                    const Environment& environment, const Inherited& inherited);

/// Signals while a command runs: the agent ends with it and not before. Blocks them for this thread and those
/// it will start. What the terminal sends (Ctrl-C) reached the command, too; what a process sends to the
/// agent is passed on to it.
class CommandSignals {
 public:
  CommandSignals();
  /// Waits for the end of the command. When it is stopped (Ctrl-Z) so is this process, and continues it.
  Ended wait(pid_t command) const;
  /// A pause. false: a signal came that asks to stop.
  bool pause(double seconds) const;

 private:
  sigset_t signals_{};
};

}  // namespace sockward
