#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace sockward {

/// What the diagnosis remembers of the last minute, each kind in a list of its own.
enum class HistoryKind : std::uint8_t { name_change, failed_unlink, long_argument, process_end };

/// Their names as labels of sockward_history_forgotten_total, in the order of HistoryKind.
inline constexpr std::array kHistoryKindNames = {"name_change", "failed_unlink", "long_argument",
                                                 "process_end"};
inline constexpr std::size_t kHistoryKinds = kHistoryKindNames.size();
static_assert(kHistoryKinds == static_cast<std::size_t>(HistoryKind::process_end) + 1);

}  // namespace sockward
