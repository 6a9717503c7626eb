#pragma once
#include <optional>
#include <string>

#include "diagnose/holding.hpp"

namespace sockward {

/// What lies at the path of a failed AF_UNIX call, and whether somebody serves it.
struct SocketFile {
  std::string path;  ///< resolved; raw bytes
  PathObject object;
  bool settled = false;      ///< the object was there, as it is, before the call
  Holding holding;           ///< sockets bound to this very file that listen or may
  bool dead_before = false;  ///< a walk that ended before the call found nobody who had it open
};

/// nullopt: not an AF_UNIX path, or nothing can be seen there.
std::optional<SocketFile> look_at_socket_file(const Observation& seen);

/// "root:root 0755" of a file, by number.
std::string ownership_text(const PathObject& object);
/// The folder of an absolute path.
std::string folder_of(const std::string& path);

}  // namespace sockward
