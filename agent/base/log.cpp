#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/printable.hpp"

namespace sockward {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("sockward", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

LogFormat current_format = LogFormat::logfmt;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Both formats quote with backslash; a message holds no control characters any more.
std::string quoted(std::string_view message) {
  std::string text = "\"";
  for (const char c : printable(message).text) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  current_format = format;
  logger().set_level(to_spdlog(level));
  if (format == LogFormat::json)
    logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","msg":%v})",
                         spdlog::pattern_time_type::utc);
  else
    logger().set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l msg=%v", spdlog::pattern_time_type::utc);
}

void write_log(LogLevel level, std::string_view message) {
  if (logger().should_log(to_spdlog(level))) logger().log(to_spdlog(level), quoted(message));
}

}  // namespace sockward
