#pragma once
#include <string>
#include <vector>

#include "kernel/socket_scan.hpp"

namespace sockward {

/// Every bound socket of the node, with and without a process that holds it.
struct SocketTables {
  std::vector<OpenSocket> open;     ///< one for each process that has the socket open
  std::vector<OpenSocket> orphans;  ///< no process holds it: the kernel's own, in flight, io_uring's
  std::vector<std::string> gaps;    ///< network namespaces that could not be asked, with the reason
};

/// BoundSockets without BPF: sock_diag(7) in every network namespace that a process lives in, joined with the
/// open files in /proc/pid/fd. Remembers nobody, so binder() never answers. Thread-safe.
class ProcSockets final : public BoundSockets {
 public:
  /// `proc`: usually "/proc".
  explicit ProcSockets(std::string proc) : proc_(std::move(proc)) {}

  std::optional<SocketOwner> binder(const BoundName&) const override { return std::nullopt; }
  /// Always an Error: nobody is remembered.
  Result<bool> note_released() const override;
  Result<bool> scan(SocketList& into) const override;
  /// Cost: all open files of all processes, once.
  Result<SocketTables> tables() const;

 private:
  std::string proc_;
};

}  // namespace sockward
