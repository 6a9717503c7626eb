#include "probe/libbpf_log.hpp"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLine = 700, kKept = 2000;  // bytes of one message, and of all warnings

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
  char* line = nullptr;
  const int bytes = vasprintf(&line, format, arguments);
  if (bytes < 0) return 0;
  // A verifier log says at its end what is wrong.
  const std::string_view whole(line, static_cast<std::size_t>(bytes));
  std::string text(whole.size() > kLine ? "…" + std::string(whole.substr(whole.size() - kLine))
                                        : std::string(whole));
  free(line);
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

void capture_libbpf_log() {
  libbpf_set_print(on_message);
}

std::string take_libbpf_warnings() {
  const std::lock_guard lock(memory().mutex);
  return std::exchange(memory().warnings, {});
}

}  // namespace sockward
