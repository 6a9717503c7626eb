#include "base/errno_name.hpp"

#include <cstring>
#include <vector>

#include "base/nearest.hpp"

namespace sockward {
namespace {

constexpr int kLast = 133;  // EHWPOISON, include/uapi/asm-generic/errno.h

}  // namespace

std::optional<std::string_view> errno_name(int number) {
  if (number <= 0 || number > kLast) return std::nullopt;
  const char* name = strerrorname_np(number);
  if (name == nullptr) return std::nullopt;
  return name;
}

std::optional<int> errno_number(std::string_view name) {
  for (int number = 1; number <= kLast; ++number)
    if (errno_name(number) == name) return number;
  if (name == "EWOULDBLOCK") return errno_number("EAGAIN");
  if (name == "ENOTSUP") return errno_number("EOPNOTSUPP");
  return std::nullopt;
}

std::string_view nearest_errno_name(std::string_view wrong) {
  std::vector<std::string_view> names;
  for (int number = 1; number <= kLast; ++number)
    if (const auto name = errno_name(number)) names.push_back(*name);
  return nearest(wrong, names);
}

}  // namespace sockward
