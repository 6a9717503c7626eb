#pragma once
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

namespace sockward {

enum class LogLevel { debug, info, warn, error };
enum class LogFormat { logfmt, json };

/// Logs of the agent itself, on standard error. Thread-safe. Not for records: those go through sinks.
void configure_log(LogLevel level, LogFormat format);
void write_log(LogLevel level, std::string_view message);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  write_log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sockward
