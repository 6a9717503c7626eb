#include "probe/verifier_costs.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <charconv>

namespace sockward {
namespace {

constexpr std::size_t kLogBytes = 16 << 10;
constexpr unsigned kStatistics = 4;  // BPF_LOG_STATS, include/linux/bpf_verifier.h

/// The number after the last `what` in the text; 0: it is not there.
std::uint32_t number_after(std::string_view text, std::string_view what) {
  const auto found = text.rfind(what);
  if (found == std::string_view::npos) return 0;
  std::uint32_t number = 0;
  const char* begin = text.data() + found + what.size();
  std::from_chars(begin, text.data() + text.size(), number);
  return number;
}

}  // namespace

void VerifierLogs::attach(bpf_object* object) {
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    if (!bpf_program__autoload(program)) continue;
    auto& log = logs_[bpf_program__name(program)];
    log.assign(kLogBytes, '\0');
    bpf_program__set_log_buf(program, log.data(), log.size());
    bpf_program__set_log_level(program, kStatistics);
  }
}

std::vector<VerifierCost> VerifierLogs::costs() const {
  std::vector<VerifierCost> costs;
  for (const auto& [program, log] : logs_)
    costs.push_back(parse_verifier_log(program, {log.data(), strnlen(log.data(), log.size())}));
  return costs;
}

VerifierCost parse_verifier_log(const std::string& program, std::string_view log) {
  return {.program = program,
          .instructions = number_after(log, "processed "),
          .stack_bytes = number_after(log, "stack depth ")};
}

}  // namespace sockward
