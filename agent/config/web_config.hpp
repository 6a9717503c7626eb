#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace sockward {

/// The web configuration file that every Prometheus exporter knows (exporter-toolkit,
/// docs/web-configuration.md), as far as it is supported here; everything else is refused by name.
struct WebConfig {
  enum class ClientAuth { none, verify_if_given, require_and_verify };
  struct Tls {
    std::string cert_file, key_file, client_ca_file;
    ClientAuth client_auth = ClientAuth::none;
    int min_version = 0x0303, max_version = 0x0304;  ///< as in the protocol: TLS 1.2, TLS 1.3
  };
  std::optional<Tls> tls;
  std::map<std::string, std::string> headers;  ///< added to every answer; they win over our own
  std::map<std::string, std::string> users;    ///< name -> bcrypt hash; empty: no authentication
};

/// Paths in it are relative to the file's folder. Throws StartupError (usage) that names file, line and the
/// nearest right key.
WebConfig parse_web_config(const std::string& yaml, const std::string& file);
WebConfig load_web_config(const std::string& file);

/// The file as it is now: read again when it, or what a symbolic link at its place leads to, has changed. A
/// file that is broken by then keeps the last good one. Thread-safe.
class WatchedWebConfig {
 public:
  /// Throws StartupError when the file cannot be used at the start.
  explicit WatchedWebConfig(std::string file);

  std::shared_ptr<const WebConfig> now();
  /// Was the latest read of it good?
  bool good() const;
  /// Says nothing of what it reads from now on: another process that reads the same file does.
  void stay_quiet();

 private:
  std::string fingerprint() const;

  const std::string file_;
  mutable std::mutex mutex_;
  std::shared_ptr<const WebConfig> config_;
  std::string seen_;
  std::uint64_t looked_ns_ = 0;
  bool good_ = true, quiet_ = false;
  SystemClock clock_;
};

/// What identifies the content of a file without reading it: device, inode, size, times. Empty: it cannot be
/// looked at. Follows symbolic links.
std::string file_fingerprint(const std::string& file);

}  // namespace sockward
