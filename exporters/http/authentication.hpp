#pragma once
#include <map>
#include <mutex>
#include <string>

#include "config/web_config.hpp"

namespace sockward {

/// Checks "Basic …" against bcrypt hashes (crypt(5)). A hash takes some 70 ms on purpose, so what was right
/// is remembered, by a digest that a look into our memory cannot turn into a password. Thread-safe.
class Authentication {
 public:
  /// `header`: the Authorization header; empty: none was sent.
  bool accepts(const std::string& header, const std::map<std::string, std::string>& users);

 private:
  std::mutex mutex_;
  std::map<std::string, bool> right_;  // SHA-256 of user, password and hash
};

/// Bytes of standard base64 (RFC 4648); empty when it is none.
std::string from_base64(std::string_view text);

}  // namespace sockward
