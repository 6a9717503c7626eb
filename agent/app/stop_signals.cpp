#include "app/stop_signals.hpp"

#include <chrono>
#include <cmath>

namespace sockward {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGHUP);
  sigaddset(&signals_, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::Came StopSignals::next(double seconds) const {
  const timespec timeout{.tv_sec = static_cast<time_t>(seconds),
                         .tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9)};
  const int signal = sigtimedwait(&signals_, nullptr, &timeout);
  return signal <= 0         ? Came::nothing
         : signal == SIGHUP  ? Came::hangup
         : signal == SIGUSR1 ? Came::hand_over
                             : Came::stop;
}

void StopSignals::wait(double seconds) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    const double left = std::chrono::duration<double>(until - std::chrono::steady_clock::now()).count();
    if (seconds > 0 && left <= 0) return;
    if (next(seconds > 0 ? left : 3600) == Came::stop) return;
  }
}

}  // namespace sockward
