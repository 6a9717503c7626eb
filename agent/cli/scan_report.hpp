#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/paths/socket_files.hpp"
#include "kernel/bound_sockets.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// The names of a node, as `sockward scan` shows them. Strings of processes are raw bytes.
struct ScanReport {
  struct Uts {
    UtsNamespace names;
    std::string container;  ///< label of the first member
  };
  struct Holder {
    OpenSocket socket;
    std::string container;
  };
  struct Stale {
    FoundSocketFile file;
    std::string container;  ///< in whose root it was found
    std::int64_t age_s = 0;
  };
  std::vector<Uts> uts;
  std::vector<Holder> listeners;   ///< TCP, AF_UNIX and abstract listeners, UDP sockets
  std::vector<Holder> near_limit;  ///< socket files with 92 bytes of path or more
  std::vector<Stale> stale;        ///< socket files that no socket is bound to
  std::vector<std::string> gaps;   ///< what could not be looked at; printable
};

/// "tcp:127.0.0.1:80", "udp:…", "unix:/run/x.sock", "unix:@name"; printable.
std::string bound_text(const OpenSocket& socket);
std::string to_text(const ScanReport& report);
/// One JSON object, ended by a newline.
std::string to_json(const ScanReport& report);

}  // namespace sockward
