#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace sockward {

/// Names of this host's users for people, from /etc/passwd alone: other sources (LDAP, sssd) can block. What
/// was looked up once is kept. Thread-safe.
class HostUsers {
 public:
  /// "1000(alice)", as id(1) prints it; "1000" where it has no name.
  std::string text(std::uint32_t uid);

 private:
  static constexpr std::size_t kEntries = 1024;

  std::mutex mutex_;
  std::map<std::uint32_t, std::string> texts_;
};

}  // namespace sockward
