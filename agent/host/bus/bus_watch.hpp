#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/bus/request_log.hpp"

namespace sockward {

/// May requests for host names be watched there? Makes a connection and ends it; waits for it a second and a
/// half at most. Error: why not; timed_out: the bus does not answer.
Result<bool> try_bus(const std::string& socket);
/// What is in the way, and what to do about it.
std::string bus_obstacle_text(const Error& error);

/// Watches, on a thread of its own, requests to systemd-hostnamed (org.freedesktop.hostname1) on the system
/// bus, as a monitor (org.freedesktop.DBus.Monitoring, for uid 0; since dbus 1.9.10, and in dbus-broker). No
/// other message reaches it. Where there is no bus, or it does not answer, or ends, it tries again every ten
/// seconds.
class BusWatch {
 public:
  /// `socket`: of the bus; empty: it is not watched. Connects at once, for two and a half seconds at most.
  /// `clock` must outlive this object.
  BusWatch(std::string socket, const Clock& clock);
  ~BusWatch();
  BusWatch(const BusWatch&) = delete;
  BusWatch& operator=(const BusWatch&) = delete;

  /// Starts the thread: after privileges were dropped. It keeps `seen` up to date with complete(); `seen`
  /// must outlive this object.
  void start(std::atomic<bool>& seen);
  /// Why requests are never seen; empty: they are, or there is no bus that could carry one.
  const std::string& obstacle() const { return obstacle_; }
  /// Are requests seen now? Yes, too, where there is no bus that could carry one.
  bool complete() const { return obstacle_.empty() && !lost_; }
  /// Asks nothing, and waits for nothing, where there is an obstacle.
  const RequestView& requests() const {
    return obstacle_.empty() ? static_cast<const RequestView&>(log_) : not_watched_;
  }

 private:
  struct Connections;

  void connect_again();
  void watch(const std::stop_token& stop, std::atomic<bool>& seen);

  const std::string socket_;
  RequestLog log_;
  const Clock& clock_;
  const NoRequests not_watched_;
  std::string obstacle_;
  std::atomic<bool> lost_{false};  ///< the bus does not answer, or has ended and is not there again
  std::unique_ptr<Connections> bus_;
  FileDescriptor wake_;
  std::jthread thread_;
};

}  // namespace sockward
