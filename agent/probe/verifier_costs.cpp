#include "probe/verifier_costs.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sockward {
namespace {

constexpr std::size_t kLogBytes = 1 << 20;  // untouched pages cost nothing
constexpr unsigned kStatistics = 4;         // BPF_LOG_STATS, include/linux/bpf_verifier.h

/// What follows the last `what` in the text, up to the end of the word; empty: it is not there.
std::string_view word_after(std::string_view text, std::string_view what) {
  const auto found = text.rfind(what);
  if (found == std::string_view::npos) return {};
  text.remove_prefix(found + what.size());
  return text.substr(0, text.find_first_of(" \n"));
}

/// "16+16+8": frames of functions that call each other, added up.
std::uint32_t sum_of(std::string_view numbers) {
  std::uint32_t sum = 0;
  while (!numbers.empty()) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(numbers.data(), numbers.data() + numbers.size(), number);
    if (error != std::errc()) break;
    sum += number;
    numbers.remove_prefix(static_cast<std::size_t>(end - numbers.data()));
    if (numbers.starts_with('+')) numbers.remove_prefix(1);
  }
  return sum;
}

}  // namespace

void VerifierLogs::attach(bpf_object* object) {
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    if (!bpf_program__autoload(program)) continue;
    auto& log = logs_[bpf_program__name(program)];
    log.reset(new char[kLogBytes]);  // not filled with zeros
    log[0] = '\0';
    bpf_program__set_log_buf(program, log.get(), kLogBytes);
    bpf_program__set_log_level(program, kStatistics);
  }
}

std::vector<VerifierCost> VerifierLogs::costs() const {
  std::vector<VerifierCost> costs;
  for (const auto& [program, log] : logs_)
    costs.push_back(parse_verifier_log(program, {log.get(), strnlen(log.get(), kLogBytes)}));
  return costs;
}

VerifierCost parse_verifier_log(const std::string& program, std::string_view log) {
  constexpr std::string_view kDeepest = "stack depth max ";  // since 7.x; before, each function's frame
  const bool deepest = log.find(kDeepest) != std::string_view::npos;
  return {.program = program,
          .instructions = sum_of(word_after(log, "processed ")),
          .stack_bytes = sum_of(word_after(log, deepest ? kDeepest : "stack depth "))};
}

}  // namespace sockward
