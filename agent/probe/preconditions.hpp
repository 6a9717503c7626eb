#pragma once
#include <memory>
#include <string>

struct btf;

namespace sockward {

struct FreeBtf {
  void operator()(btf* types) const noexcept;
};
using KernelTypes = std::unique_ptr<btf, FreeBtf>;

/// Throws StartupError unless this process may load tracing programs: CAP_BPF and CAP_PERFMON (5.8), or root.
void require_capabilities();

/// The kernel's type information: its own, or the file at `path`. Throws StartupError when there is none.
KernelTypes load_kernel_types(const std::string& path);

}  // namespace sockward
