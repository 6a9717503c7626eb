#include "http/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <mutex>

#include "base/log.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::shared_ptr<SSL_CTX>;

std::string openssl_error() {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return text;
}

int verify_mode(WebConfig::ClientAuth auth) {
  switch (auth) {
    case WebConfig::ClientAuth::none:
      return SSL_VERIFY_NONE;
    case WebConfig::ClientAuth::verify_if_given:
      return SSL_VERIFY_PEER;
    case WebConfig::ClientAuth::require_and_verify:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/// A context with everything of this configuration; empty with `why` when it cannot be made.
Context make_context(const WebConfig::Tls& tls, std::string& why) {
  Context context(SSL_CTX_new(TLS_server_method()), FreeContext());
  SSL_CTX* raw = context.get();
  const bool made = raw != nullptr && SSL_CTX_set_min_proto_version(raw, tls.min_version) == 1 &&
                    SSL_CTX_set_max_proto_version(raw, tls.max_version) == 1 &&
                    SSL_CTX_use_certificate_chain_file(raw, tls.cert_file.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(raw, tls.key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_check_private_key(raw) == 1;
  if (made && !tls.client_ca_file.empty() &&
      SSL_CTX_load_verify_locations(raw, tls.client_ca_file.c_str(), nullptr) == 1) {
    SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(tls.client_ca_file.c_str()));
  } else if (!made || !tls.client_ca_file.empty()) {
    why = openssl_error();
    return nullptr;
  }
  SSL_CTX_set_verify(raw, verify_mode(tls.client_auth), nullptr);
  return context;
}

}  // namespace

struct TlsKeeper::State {
  std::shared_ptr<WatchedWebConfig> config;
  std::mutex mutex;
  std::shared_ptr<const WebConfig> of;  // what `context` was made of
  Context context;

  /// The context of now; the last good one when the new files cannot be used.
  Context now() {
    const auto current = config->now();
    const std::lock_guard lock(mutex);
    if (current == of || !current->tls) return context;
    of = current;
    std::string why;
    if (Context fresh = make_context(*current->tls, why))
      context = std::move(fresh);
    else
      log_error("cannot use the new certificate or key, keeping the previous one: {}", why);
    return context;
  }

  static int on_client_hello(SSL* connection, int* /*alert*/, void* self) {
    const Context context = static_cast<State*>(self)->now();
    if (!context) return SSL_CLIENT_HELLO_ERROR;
    SSL_set_SSL_CTX(connection, context.get());  // takes a reference; brings certificate and key
    SSL_set_verify(connection, SSL_CTX_get_verify_mode(context.get()), nullptr);
    SSL_set_min_proto_version(connection, static_cast<int>(SSL_CTX_get_min_proto_version(context.get())));
    SSL_set_max_proto_version(connection, static_cast<int>(SSL_CTX_get_max_proto_version(context.get())));
    SSL_set1_verify_cert_store(connection, SSL_CTX_get_cert_store(context.get()));
    return SSL_CLIENT_HELLO_SUCCESS;
  }
};

TlsKeeper::TlsKeeper(std::shared_ptr<WatchedWebConfig> config) : state_(std::make_unique<State>()) {
  state_->config = std::move(config);
}

TlsKeeper::~TlsKeeper() = default;

void TlsKeeper::check() const {
  const auto config = state_->config->now();
  std::string why;
  if (config->tls && !make_context(*config->tls, why))
    throw usage_error(fmt::format("tls_server_config: {} and {} cannot be used: {}", config->tls->cert_file,
                                  config->tls->key_file, why),
                      "check that both are PEM files and belong together");
}

bool TlsKeeper::prepare(SSL_CTX& context) {
  SSL_CTX_set_client_hello_cb(&context, State::on_client_hello, state_.get());
  // Without this a client that is asked for a certificate could not resume its session.
  static constexpr unsigned char kSession[] = "sockward";
  return SSL_CTX_set_session_id_context(&context, kSession, sizeof(kSession) - 1) == 1 &&
         state_->now() != nullptr;
}

}  // namespace sockward
