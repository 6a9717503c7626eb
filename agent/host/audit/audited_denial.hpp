#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace sockward {

/// One refusal, as the kernel's audit message (AUDIT_AVC, include/uapi/linux/audit.h) has it. Strings are
/// raw bytes.
struct AuditedDenial {
  enum class Module { apparmor, selinux };

  Module module = Module::apparmor;
  std::uint64_t serial = 0;  ///< of the audit message; from 1 since the boot
  /// When the kernel refused, by a clock that moves in ticks of up to 10 ms, cut to milliseconds: never later
  /// than it was.
  WallTime time;
  std::uint32_t tgid = 0;  ///< in the initial pid namespace (task_tgid_nr(), security/lsm_audit.c)
  std::string comm;        ///< of the thread
  std::string subject;     ///< AppArmor: the profile; SELinux: the source context
  std::string object;      ///< SELinux: the target context
  std::string kind;       ///< SELinux: the class of the target; AppArmor: "file", "net", … where it says so
  std::string operation;  ///< AppArmor: "mknod"; SELinux: permissions with blanks between: "write add_name"
  std::string requested, denied;  ///< AppArmor: masks
  std::string info;               ///< AppArmor: why, where it says so
  /// Of a file or socket; an abstract one begins with NUL (SELinux) or "@" (AppArmor). Empty: none is in the
  /// message.
  std::string name;
  bool whole_path = false;             ///< `name` is all of it; otherwise only the last component of a path
  std::optional<std::uint64_t> inode;  ///< SELinux: of the file
  /// Of bind: source; of connect: destination. AppArmor has them since about 6.17.
  std::optional<std::uint16_t> source_port, destination_port;
  std::optional<unsigned> capability;  ///< the message is about a capability
  std::string family, type;            ///< AppArmor: of the socket: "inet", "stream"
};

}  // namespace sockward
