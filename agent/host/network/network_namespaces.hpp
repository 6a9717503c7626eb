#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "host/process/process_folders.hpp"

namespace sockward {

/// One network namespace, kept from going away while this exists.
struct NetworkNamespace {
  FileDescriptor file;     ///< its nsfs file, for setns(2)
  FileDescriptor process;  ///< a folder of /proc of somebody in it; none: it is only bind-mounted
};

/// Finds network namespaces through the processes whose leader lives in them and where they are bind-mounted
/// (as `ip netns add` does). One that only descriptors or sockets keep alive is not found. Thread-safe.
class NetworkNamespaces {
 public:
  /// `processes` must outlive this object.
  explicit NetworkNamespaces(const ProcessFolders& processes) : processes_(processes) {}

  /// The one that the call was about: that of the socket, for calls on sockets, else the caller's. Through
  /// the caller, or our own. Error: neither is in it any more.
  Result<NetworkNamespace> open(const Event& event) const;
  /// The same through another process that was in it before the call; else through a bind mount. Error:
  /// no process is in it any more. Cost: as for_each().
  Result<NetworkNamespace> search(const Event& event) const;

  /// Hands each network namespace of the node to `visit` once, until that returns false; the one that the
  /// call was about comes first. Those that vanish meanwhile are left out. Error: the processes or one of the
  /// namespaces could not be looked at. Cost: one pass over all processes, and one mount table for each mount
  /// namespace.
  Result<bool> for_each(const Event& event, const std::function<bool(const NetworkNamespace&)>& visit) const;

  /// Lines of a table below /proc/net as that namespace has it ("unix", "tcp6"); see read_lines_at.
  Result<bool> read_table(const NetworkNamespace& home, const std::string& table, std::size_t most,
                          const std::function<void(std::string_view)>& take) const;

 private:
  struct Place {  // where a namespace can be opened
    std::uint32_t tgid = 0;
    std::string path;  // empty: of the process's own; else of a bind mount, below the process's root
  };
  using Places = std::map<NamespaceInode, std::vector<Place>>;
  Result<Places> find_all() const;
  Result<NetworkNamespace> open_place(const Place& place, NamespaceInode expected) const;
  Result<NetworkNamespace> open_any(const std::vector<Place>& places, NamespaceInode expected) const;

  const ProcessFolders& processes_;
};

}  // namespace sockward
