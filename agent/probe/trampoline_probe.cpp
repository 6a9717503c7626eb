#include "probe/trampoline_probe.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"

namespace sockward {

std::optional<std::string> trampoline_obstacle(const btf* kernel_types) {
  const int target = btf__find_by_name_kind(kernel_types, "__sys_listen", BTF_KIND_FUNC);
  if (target < 0) return "the kernel's BTF has no __sys_listen";
  // r0 = 0; exit
  const bpf_insn body[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT,
              .attach_btf_id = static_cast<__u32>(target));
  const FileDescriptor program(
      bpf_prog_load(BPF_PROG_TYPE_TRACING, "sockward_test", "GPL", body, std::size(body), &options));
  if (!program.valid()) return "a test program was refused at load: " + last_error("").code.message();
  const FileDescriptor link(bpf_raw_tracepoint_open(nullptr, program.get()));
  if (!link.valid()) return "a test program was refused at attach: " + last_error("").code.message();
  return std::nullopt;
}

bool tracepoint_links_work() {
  const bpf_insn body[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const FileDescriptor program(
      bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "sockward_test", "GPL", body, std::size(body), nullptr));
  // A kernel that knows such links says that this is no perf event; another, that it knows no such links.
  return program.valid() && bpf_link_create(program.get(), -1, BPF_PERF_EVENT, nullptr) < 0 && errno == EBADF;
}

}  // namespace sockward
