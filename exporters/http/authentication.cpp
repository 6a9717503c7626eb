#include "http/authentication.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

namespace sockward {
namespace {

// Of no password: an unknown user costs as much time as a wrong password.
constexpr const char* kNobody = "$2y$10$abcdefghijklmnopqrstuuC0bYQ8oEg0fKkDkSDPXl0VbAvcTy4iO";
constexpr std::size_t kKept = 64;

bool matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  if (made == nullptr) return false;
  const std::string result = made;
  return result.size() == hash.size() && CRYPTO_memcmp(result.data(), hash.data(), hash.size()) == 0;
}

std::string digest(const std::string& user, const std::string& password, const std::string& hash) {
  const std::string text = user + '\0' + password + '\0' + hash;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes, &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::string from_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return "";
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return bytes;
}

bool Authentication::accepts(const std::string& header, const std::map<std::string, std::string>& users) {
  constexpr std::string_view kScheme = "Basic ";
  if (!header.starts_with(kScheme)) return false;
  const std::string pair = from_base64(std::string_view(header).substr(kScheme.size()));
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) return false;
  const std::string user = pair.substr(0, colon), password = pair.substr(colon + 1);
  const auto known = users.find(user);
  const std::string& hash = known == users.end() ? kNobody : known->second;
  const std::string key = digest(user, password, hash);
  {
    const std::lock_guard lock(mutex_);
    if (right_.contains(key)) return true;
  }
  if (!matches(password, hash) || known == users.end()) return false;
  const std::lock_guard lock(mutex_);
  if (right_.size() >= kKept) right_.clear();
  right_[key] = true;
  return true;
}

}  // namespace sockward
