#include "probe/libbpf_log.hpp"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::size_t kKept = 2000;  // bytes of warnings

struct Memory {
  std::mutex mutex;
  std::string warnings;
};

Memory& memory() {
  static Memory instance;
  return instance;
}

__attribute__((format(printf, 2, 0))) int on_message(libbpf_print_level level, const char* format,
                                                     va_list arguments) noexcept {
  char line[512];
  const int bytes = vsnprintf(line, sizeof(line), format, arguments);
  std::string text(line, std::min<std::size_t>(bytes < 0 ? 0 : static_cast<std::size_t>(bytes), sizeof(line) - 1));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return 0;
  write_log(LogLevel::debug, text);
  if (level == LIBBPF_WARN) {
    const std::lock_guard lock(memory().mutex);
    if (memory().warnings.size() < kKept) memory().warnings += (memory().warnings.empty() ? "" : "; ") + text;
  }
  return 0;
}

}  // namespace

void capture_libbpf_log() { libbpf_set_print(on_message); }

std::string take_libbpf_warnings() {
  const std::lock_guard lock(memory().mutex);
  return std::exchange(memory().warnings, {});
}

}  // namespace sockward
