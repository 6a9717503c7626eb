#pragma once
#include <optional>
#include <string>

#include "diagnose/history.hpp"
#include "diagnose/holding.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

/// What lies at the path of a failed AF_UNIX call, and whether somebody serves it.
struct SocketFile {
  std::string path;  ///< of the file, links followed as the call follows them; raw bytes
  PathObject object;
  Standing is;        ///< the same object lay there at the call
  Standing as_it_is;  ///< and had the owner and mode it has now
  std::string moved;  ///< as PathFacts::moved, unless the socket shows that it was here
  Holding holding;    ///< sockets bound to this very file that listen or may
  /// No socket was bound to it any more when the call was made.
  Standing dead = Standing::later("");
  std::string dead_because;  ///< how that is known; empty: it is not
};

/// nullopt: not an AF_UNIX path, or nothing can be seen there.
std::optional<SocketFile> look_at_socket_file(const Facts& facts);

/// Did the process that bound it end only after the call, as far as can be told? It is gone now, and its
/// socket was released after the call; of its end no record had come before that of the call.
bool ended_after_call(const Facts& facts, const SocketFile& file);
/// Is it a socket file that no socket is bound to, as far as can be seen?
bool is_stale(const std::optional<SocketFile>& file);
/// The removal of this very file that the caller tried before, and that was refused.
std::optional<UnlinkFailure> refused_removal(const Facts& facts, const SocketFile& file);
/// Evidence that it is stale, and the process that left it.
void describe_stale(const Facts& facts, const SocketFile& file, Finding& found);

/// The folder of an absolute path.
std::string folder_of(const std::string& path);
/// Its last component.
std::string last_component_of(const std::string& path);

}  // namespace sockward
