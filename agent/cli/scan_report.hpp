#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/paths/socket_files.hpp"
#include "kernel/bound_sockets.hpp"
#include "telemetry/uts_names.hpp"

namespace sockward {

/// Where a process runs. Raw bytes; empty: not known.
struct ProcessPlace {
  std::string container;  ///< value as in the label `container_name`
  std::string unit;       ///< of systemd, the host's or that in the container
};

/// The names of a node, as `sockward scan` shows them. Strings of processes are raw bytes.
struct ScanReport {
  struct Uts {
    UtsNamespace names;
    ProcessPlace place;  ///< of the first member
  };
  struct Holder {
    OpenSocket socket;
    ProcessPlace place;
  };
  struct Stale {
    FoundSocketFile file;
    ProcessPlace place;  ///< in whose root it was found
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
