#include "event/syscall.hpp"

#include <algorithm>
#include <utility>

namespace sockward {

std::string_view to_string(Syscall syscall) {
  return traits_of(syscall).name;
}

std::optional<Syscall> syscall_from(std::string_view name) {
  const auto* found = std::find_if(kSyscallTraits.begin(), kSyscallTraits.end(),
                                   [&](const SyscallTraits& one) { return one.name == name; });
  if (found == kSyscallTraits.end()) return std::nullopt;
  return static_cast<Syscall>(found - kSyscallTraits.begin());
}

bool has_variant(Syscall syscall, Variant variant) {
#define SOCKWARD_VARIANT(VARIANT, variant, CALL, call, ...) std::pair{Syscall::call, Variant::variant},
  static constexpr std::pair<Syscall, Variant> kVariants[] = {SOCKWARD_VARIANTS(SOCKWARD_VARIANT)};
#undef SOCKWARD_VARIANT
  return variant == Variant::plain || std::find(std::begin(kVariants), std::end(kVariants),
                                                std::pair{syscall, variant}) != std::end(kVariants);
}

}  // namespace sockward
