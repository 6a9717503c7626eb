#pragma once
#include <cstdint>
#include <string_view>

namespace sockward {

inline constexpr std::uint64_t kFnv1aStart = 0xcbf29ce484222325;

/// FNV-1a, 64 bits: the same on every machine and in every version. For what is kept or compared between
/// processes, not against anybody who chooses the text. `hash`: of what came before.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = kFnv1aStart) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace sockward
