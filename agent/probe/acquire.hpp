#pragma once
#include <optional>
#include <string>

#include "probe/kernel_features.hpp"
#include "probe/kernel_side.hpp"
#include "probe/pins.hpp"
#include "probe/probe_options.hpp"

namespace sockward {

/// The kernel side, and how it came about.
struct Acquired {
  KernelSide side;
  std::optional<PinFolder> pins;  ///< it lives on there when this process dies
  std::string not_pinned;         ///< why it does not
  bool adopted = false;           ///< nothing was loaded: a previous agent's programs went on all the time
  bool begun_anew = false;        ///< the layout of a previous agent's counters and records is not known
  bool names_kept = false;        ///< the name table goes on from a previous agent's
  FileDescriptor previous_ring;   ///< a previous agent's to read, or to count, where `side` has another one
};

/// Adopts what a previous agent has left, where it is what this one would load; otherwise loads, goes on with
/// its maps, and removes it once the new programs count. Throws StartupError.
Acquired acquire_kernel_side(const ProbeOptions& options, const KernelFeatures& features);

}  // namespace sockward
