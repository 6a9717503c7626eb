#include "config/web_config.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "base/log.hpp"
#include "base/nearest.hpp"
#include "base/printable.hpp"
#include "base/result.hpp"
#include "base/startup_error.hpp"
#include "config/yaml_keys.hpp"

namespace sockward {
namespace {

constexpr const char* kSupported =
    "supported are tls_server_config (cert_file, key_file, client_auth_type, client_ca_file, min_version, "
    "max_version), http_server_config (headers, http2: false) and basic_auth_users";

/// The values of a web configuration. Paths are relative to the file's folder.
class Reader : public YamlFile {
 public:
  explicit Reader(const std::string& file) : YamlFile(file, kSupported) {
    const std::size_t slash = file.rfind('/');
    folder_ = slash == std::string::npos ? "" : file.substr(0, slash + 1);
  }

  std::string text(const YAML::Node& node) const {
    if (!node.IsScalar()) throw at(node, "this must be a text", kSupported);
    return node.Scalar();
  }

  std::string path(const YAML::Node& node) const {
    std::string file = text(node);
    if (!file.empty() && !file.starts_with('/')) file = folder_ + file;
    if (!file.empty() && access(file.c_str(), R_OK) != 0)
      throw at(node, last_error("read " + printable(file).text).text(), "check the path and its permissions");
    return file;
  }

  template <class T>
  T one_of(const YAML::Node& node, const std::map<std::string, T>& choices) const {
    const auto found = choices.find(text(node));
    if (found != choices.end()) return found->second;
    std::vector<std::string_view> names;
    names.reserve(choices.size());
    for (const auto& [name, value] : choices) names.push_back(name);
    throw at(node, fmt::format("\"{}\" is not supported here", printable(text(node)).text),
             fmt::format("did you mean \"{}\"?", nearest(text(node), names)));
  }

 private:
  std::string folder_;
};

void read_tls(const Reader& reader, const YAML::Node& node, WebConfig& config) {
  WebConfig::Tls tls;
  const std::map<std::string, int> versions{{"TLS12", 0x0303}, {"TLS13", 0x0304}};
  const std::map<std::string, WebConfig::ClientAuth> client_auth{
      {"NoClientCert", WebConfig::ClientAuth::none},
      {"VerifyClientCertIfGiven", WebConfig::ClientAuth::verify_if_given},
      {"RequireAndVerifyClientCert", WebConfig::ClientAuth::require_and_verify}};
  reader.apply(
      node, "tls_server_config",
      {{"cert_file", [&](const YAML::Node& n) { tls.cert_file = reader.path(n); }},
       {"key_file", [&](const YAML::Node& n) { tls.key_file = reader.path(n); }},
       {"client_ca_file", [&](const YAML::Node& n) { tls.client_ca_file = reader.path(n); }},
       {"client_auth_type", [&](const YAML::Node& n) { tls.client_auth = reader.one_of(n, client_auth); }},
       {"min_version", [&](const YAML::Node& n) { tls.min_version = reader.one_of(n, versions); }},
       {"max_version", [&](const YAML::Node& n) { tls.max_version = reader.one_of(n, versions); }}});
  if (tls.cert_file.empty() || tls.key_file.empty())
    throw reader.at(node, "tls_server_config needs cert_file and key_file", kSupported);
  if (tls.client_auth != WebConfig::ClientAuth::none && tls.client_ca_file.empty())
    throw reader.at(node, "client_auth_type needs client_ca_file", kSupported);
  if (tls.min_version > tls.max_version)
    throw reader.at(node, "min_version is above max_version", "choose TLS12 and TLS13");
  config.tls = std::move(tls);
}

void read_http(const Reader& reader, const YAML::Node& node, WebConfig& config) {
  const auto read_headers = [&](const YAML::Node& headers) {
    if (!headers.IsMap()) throw reader.at(headers, "headers must be a mapping", kSupported);
    for (const auto& entry : headers) {
      const std::string name = reader.text(entry.first), value = reader.text(entry.second);
      if (value.find_first_of("\r\n") != std::string::npos)
        throw reader.at(entry.second, "a header's value has one line", "remove the line break");
      config.headers[name] = value;
    }
  };
  reader.apply(node, "http_server_config", {{"headers", read_headers}, {"http2", [&](const YAML::Node& n) {
                                                                          if (reader.text(n) != "false")
                                                                            throw reader.at(
                                                                                n, "HTTP/2 is not served",
                                                                                "write http2: false");
                                                                        }}});
}

void read_users(const Reader& reader, const YAML::Node& node, WebConfig& config) {
  if (node.IsNull()) return;
  if (!node.IsMap()) throw reader.at(node, "basic_auth_users must map names to bcrypt hashes", kSupported);
  for (const auto& entry : node) {
    const std::string hash = reader.text(entry.second);
    const bool bcrypt = hash.size() == 60 &&
                        (hash.starts_with("$2y$") || hash.starts_with("$2a$") || hash.starts_with("$2b$"));
    if (!bcrypt)
      throw reader.at(entry.second, "this is no bcrypt hash",
                      R"(make one with: htpasswd -nBC 10 "" | tr -d ':\n')");
    config.users[reader.text(entry.first)] = hash;
  }
}

}  // namespace

WebConfig parse_web_config(const std::string& yaml, const std::string& file) {
  WebConfig config;
  const Reader reader(file);
  reader.apply(yaml, {{"tls_server_config", [&](const YAML::Node& n) { read_tls(reader, n, config); }},
                      {"http_server_config", [&](const YAML::Node& n) { read_http(reader, n, config); }},
                      {"basic_auth_users", [&](const YAML::Node& n) { read_users(reader, n, config); }}});
  return config;
}

WebConfig load_web_config(const std::string& file) {
  return parse_web_config(Reader(file).read("--web.config.file"), file);
}

std::string file_fingerprint(const std::string& file) {
  struct stat status {};
  if (file.empty() || stat(file.c_str(), &status) != 0) return "";
  return fmt::format("{}:{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

WatchedWebConfig::WatchedWebConfig(std::string file)
    : file_(std::move(file)), config_(std::make_shared<const WebConfig>(load_web_config(file_))) {
  seen_ = fingerprint();
}

/// Certificates are part of it: they are renewed without the file being touched.
std::string WatchedWebConfig::fingerprint() const {
  std::string print = file_fingerprint(file_);
  if (config_->tls)
    for (const auto& file : {config_->tls->cert_file, config_->tls->key_file, config_->tls->client_ca_file})
      print += "|" + file_fingerprint(file);
  return print;
}

std::shared_ptr<const WebConfig> WatchedWebConfig::now() {
  constexpr std::uint64_t kBetweenLooks = 1'000'000'000;  // ns
  const std::lock_guard lock(mutex_);
  const std::uint64_t time = clock_.monotonic().ns;
  if (time < looked_ns_ + kBetweenLooks) return config_;
  looked_ns_ = time;
  std::string print = fingerprint();
  if (print == seen_) return config_;
  seen_ = std::move(print);
  try {
    config_ = std::make_shared<const WebConfig>(load_web_config(file_));
    seen_ = fingerprint();
    good_ = true;
    if (!quiet_) log_info("reloaded {}", file_);
  } catch (const StartupError& error) {
    good_ = false;
    if (!quiet_) log_error("{}; keeping the previous web configuration", error.what());
  }
  return config_;
}

void WatchedWebConfig::stay_quiet() {
  const std::lock_guard lock(mutex_);
  quiet_ = true;
}

bool WatchedWebConfig::good() const {
  const std::lock_guard lock(mutex_);
  return good_;
}

}  // namespace sockward
