#include "probe/active_generation.hpp"

#include <bpf/bpf.h>
#include <sched.h>

#include <thread>

#include "base/file_descriptor.hpp"
#include "probe/mapped_array.hpp"

namespace sockward {

Result<bool> activate_generation(const ActiveWords& words, std::uint32_t generation) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(words.map_fd, &info, &size) != 0) return last_error("look at the counters");
  const std::uint32_t stride = (info.value_size + 7) / 8 * 2;  // in words; the kernel rounds up to 8 bytes
  if (words.offset % 4 != 0 || words.offset / 4 >= stride)
    return make_error(std::errc::invalid_argument, "find the active generation in the counters");
  const auto mapped = MappedArray<std::uint64_t>::map(
      words.map_fd, std::size_t{stride} / 2 * info.max_entries, "map the counters");
  if (!mapped) return mapped.error();
  auto* const first = reinterpret_cast<std::uint32_t*>(mapped->elements().data()) + words.offset / 4;
  std::jthread([&] {
    for (std::uint32_t cpu = 0; cpu < info.max_entries; ++cpu) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(cpu, &only);
      sched_setaffinity(0, sizeof(only), &only);  // refused for a CPU that is off: nothing runs there
      __atomic_store_n(first + std::size_t{cpu} * stride, generation, __ATOMIC_SEQ_CST);
    }
  }).join();
  return true;
}

Result<bool> wait_for_running_programs() {
  // The kernel waits for them before the system call that changes a map of maps returns (since 4.19:
  // maybe_wait_bpf_programs). Programs that may sleep are not waited for; none of ours may.
  const FileDescriptor inner(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, nullptr, sizeof(__u32), sizeof(__u64), 1, nullptr));
  LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = static_cast<__u32>(inner.get()));
  const FileDescriptor outer(
      bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, nullptr, sizeof(__u32), sizeof(__u32), 1, &options));
  const __u32 index = 0;
  const int fd = inner.get();
  if (!inner.valid() || !outer.valid() || bpf_map_update_elem(outer.get(), &index, &fd, BPF_ANY) != 0)
    return last_error("wait for programs that run");
  return true;
}

}  // namespace sockward
