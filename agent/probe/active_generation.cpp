#include "probe/active_generation.hpp"

#include <bpf/bpf.h>
#include <sched.h>
#include <sockward/counters.h>

#include <memory>
#include <thread>

#include "probe/mapped_array.hpp"

namespace sockward {

Result<bool> activate_generation(int counters_fd, std::uint32_t blocks, std::uint32_t generation) {
  const auto counters = MappedArray<sockward_cpu_counters>::map(counters_fd, blocks, "map the counters");
  if (!counters) return counters.error();
  std::jthread([&] {
    for (std::uint32_t cpu = 0; cpu < blocks; ++cpu) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(cpu, &only);
      sched_setaffinity(0, sizeof(only), &only);  // refused for a CPU that is off: nothing runs there
      __atomic_store_n(&counters->elements()[cpu].generation, generation, __ATOMIC_SEQ_CST);
    }
  }).join();
  return true;
}

std::uint32_t active_generation(int counters_fd) {
  const __u32 first = 0;
  const auto block = std::make_unique<sockward_cpu_counters>();
  return bpf_map_lookup_elem(counters_fd, &first, block.get()) == 0 ? block->generation : 0;
}

}  // namespace sockward
