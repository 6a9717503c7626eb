#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/web_config.hpp"

using SSL_CTX = struct ssl_ctx_st;

namespace sockward {

/// Gives each TLS handshake the certificate and the rules of the web configuration as it is at that moment: a
/// renewed certificate needs no restart. Thread-safe.
class TlsKeeper {
 public:
  explicit TlsKeeper(std::shared_ptr<WatchedWebConfig> config);
  ~TlsKeeper();
  TlsKeeper(const TlsKeeper&) = delete;
  TlsKeeper& operator=(const TlsKeeper&) = delete;

  /// Throws StartupError when certificate and key cannot be used as they are now.
  void check() const;
  /// Prepares the context that a server accepts with; the keeper must outlive it.
  bool prepare(SSL_CTX& context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sockward
