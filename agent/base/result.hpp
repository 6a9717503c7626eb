#pragma once
#include <cassert>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace sockward {

/// Why an operation failed at run time. Start-up failures are StartupError.
struct Error {
  std::error_code code;   ///< keeps the errno
  std::string operation;  ///< what was tried, with its subject: "open /proc/net/unix"

  std::string text() const { return operation + ": " + code.message(); }
};

/// The error of the system call that has just failed.
inline Error last_error(std::string operation) {
  const int saved = errno;
  return {std::error_code(saved, std::generic_category()), std::move(operation)};
}

inline Error make_error(std::errc code, std::string operation) {
  return {std::make_error_code(code), std::move(operation)};
}

/// A value or an Error. C++20 has no std::expected; the names are chosen to survive the move to it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace sockward
