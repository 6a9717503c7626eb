#include "probe/preconditions.hpp"

#include <bpf/btf.h>
#include <cap-ng.h>
#include <linux/capability.h>
#include <unistd.h>

#include "base/result.hpp"
#include "base/startup_error.hpp"

namespace sockward {

void FreeBtf::operator()(btf* types) const noexcept {
  btf__free(types);
}

void require_capabilities() {
  const auto have = [](unsigned capability) {
    return capng_have_capability(CAPNG_EFFECTIVE, capability) == 1;
  };
  if (capng_get_caps_process() != 0)
    throw failure("cannot read the capabilities of this process", "check that /proc is mounted");
  if (have(CAP_SYS_ADMIN) || (have(CAP_BPF) && have(CAP_PERFMON))) return;
  throw failure(
      "loading BPF programs needs CAP_BPF and CAP_PERFMON, and this process has neither or only one",
      geteuid() == 0 ? "the container or sandbox took them from root: give CAP_BPF, CAP_PERFMON and "
                       "CAP_SYS_PTRACE back"
                     : "run it as root: sudo sockward …");
}

KernelTypes load_kernel_types(const std::string& path) {
  KernelTypes types(path.empty() ? btf__load_vmlinux_btf() : btf__parse(path.c_str(), nullptr));
  if (types) return types;
  const std::string why = last_error(path.empty() ? "read the kernel's BTF" : "read BTF from " + path).text();
  throw failure(why,
                "the kernel needs CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux); for a kernel without, "
                "pass a BTF file made for exactly this kernel with --btf.path");
}

}  // namespace sockward
