#pragma once
#include <sys/sysmacros.h>

#include <cstdint>

namespace sockward {

/// Numbers of devices: the kernel's dev_t has 20 bits of minor number (include/linux/kdev_t.h), and what
/// stat(2) returns has another layout.
inline constexpr unsigned kKernelMinorBits = 20;

/// As stat(2) has it, from the kernel's dev_t.
inline std::uint64_t stat_device(std::uint64_t kernel) {
  return makedev(static_cast<unsigned>(kernel >> kKernelMinorBits),
                 static_cast<unsigned>(kernel & ((1U << kKernelMinorBits) - 1)));
}

/// The kernel's dev_t, from what stat(2) has.
inline std::uint64_t kernel_device(std::uint64_t device) {
  return std::uint64_t{major(device)} << kKernelMinorBits | minor(device);
}

}  // namespace sockward
