#include "host/containers/cgroup_programs.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "base/file_descriptor.hpp"

namespace sockward {
namespace {

std::optional<__u32> hook_of(const Event& event) {
  const auto* call = std::get_if<SocketCall>(&event.call);
  if (call == nullptr || !call->address.is_inet()) return std::nullopt;
  const bool six = call->address.kind == AddressKind::inet6;
  if (event.syscall == Syscall::bind) return six ? BPF_CGROUP_INET6_BIND : BPF_CGROUP_INET4_BIND;
  if (event.syscall == Syscall::connect) return six ? BPF_CGROUP_INET6_CONNECT : BPF_CGROUP_INET4_CONNECT;
  return std::nullopt;
}

}  // namespace

Result<unsigned> count_cgroup_programs(const std::string& cgroup, const Event& event) {
  const auto hook = hook_of(event);
  if (!hook) return 0U;
  const FileDescriptor folder(open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return last_error("open cgroup " + cgroup);
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<__u32>(folder.get());
  attributes.query.attach_type = *hook;
  attributes.query.query_flags = BPF_F_QUERY_EFFECTIVE;
  if (syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof(attributes)) != 0)
    return last_error("ask for the programs of cgroup " + cgroup);
  return attributes.query.prog_cnt;
}

}  // namespace sockward
