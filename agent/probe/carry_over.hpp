#pragma once
#include "base/result.hpp"
#include "probe/counters_layout.hpp"
#include "probe/kernel_side.hpp"

namespace sockward {

/// What previous versions have counted lies in two maps of its own, in today's layout: two blocks of counters
/// (of all CPUs, and the agents' own) and a table by container. Only agents write them. They are there only
/// where something was carried over.
inline constexpr const char* kCarried = "carried";
inline constexpr const char* kCarriedSources = "carried_sources";

/// One generation's counters, and how they are laid out.
struct CounterMaps {
  const CountersLayout& layout;
  const Maps& maps;
};

/// Makes the two maps for what `previous` holds, empty.
Result<bool> make_carried(const CounterMaps& previous, const CountersLayout& layout, Maps& into);

/// Writes what `previous` holds into the maps of `next` that are for it, by name, and says which names that
/// has no place for. Records that were not written yet count as lost. No program may count in `previous` any
/// more. It assigns sums: after a crash it is done again from the beginning, with the same outcome.
Result<bool> carry_over(const CounterMaps& previous, const CounterMaps& next);

}  // namespace sockward
