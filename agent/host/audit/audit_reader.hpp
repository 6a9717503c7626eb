#pragma once
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/audit/denial_log.hpp"

namespace sockward {

/// Security modules that are active here and write their refusals as audit messages: "AppArmor, SELinux".
/// Empty: none.
std::string auditing_modules();

/// A socket that gets every AUDIT_AVC message of the kernel: a member of the multicast group
/// AUDIT_NLGRP_READLOG (since Linux 3.16; needs CAP_AUDIT_READ now, and no capability later), so an audit
/// daemon is not in the way. The kernel sends to the initial network namespace only
/// (kauditd_send_multicast_skb()), so it is opened there. Error: it cannot be, with the errno; no such
/// protocol: audit=0 on the kernel's command line.
Result<FileDescriptor> open_audit_socket();
/// What is in the way, and what to do about it.
std::string audit_obstacle_text(const Error& error);

/// Reads audit messages on a thread of its own and keeps the refusals.
class AuditReader {
 public:
  /// Opens the socket: before privileges are dropped. `clock` must outlive this object.
  AuditReader(bool wanted, const Clock& clock);
  AuditReader(const AuditReader&) = delete;
  AuditReader& operator=(const AuditReader&) = delete;

  /// Starts the thread: after privileges were dropped. What came in between is in the socket.
  void start();
  /// Why refusals are not read; empty: they are, or no module that would write them is active.
  const std::string& obstacle() const { return obstacle_; }
  /// Is nothing missed that a security module says?
  bool complete() const { return obstacle_.empty(); }
  /// Asks nothing, and waits for nothing, where messages are not read.
  const DenialView& denials() const {
    return socket_.valid() ? static_cast<const DenialView&>(log_) : not_read_;
  }

 private:
  void read(const std::stop_token& stop);

  DenialLog log_;
  const NoDenials not_read_;
  std::string obstacle_;
  FileDescriptor socket_, wake_;
  std::jthread thread_;
};

}  // namespace sockward
