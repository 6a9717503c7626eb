#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// One UTS namespace that some process lives in.
struct UtsNamespace {
  NamespaceInode inode = 0;
  NamespaceInode owner_userns = 0;
  std::string hostname, domainname;  ///< raw bytes
  std::uint32_t first_tgid = 0;      ///< the member with the lowest pid
  std::uint64_t container_key = 0;   ///< of that member
  std::uint32_t members = 0;         ///< processes
};

/// Reads the names of every UTS namespace from the kernel's own objects. Thread-safe.
class UtsNames {
 public:
  virtual ~UtsNames() = default;
  /// All namespaces with at least one live process, by inode. Cost: one pass over all processes.
  virtual Result<std::vector<UtsNamespace>> read() const = 0;
};

}  // namespace sockward
