#include "probe/active_generation.hpp"

#include <bpf/bpf.h>
#include <sched.h>
#include <sockward/counters.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <thread>

namespace sockward {

bool activate_generation(int counters_fd, std::uint32_t blocks, std::uint32_t generation) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = (blocks * sizeof(sockward_cpu_counters) + page - 1) / page * page;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, counters_fd, 0);
  if (memory == MAP_FAILED) return false;
  auto* counters = static_cast<sockward_cpu_counters*>(memory);
  std::jthread([&] {
    for (std::uint32_t cpu = 0; cpu < blocks; ++cpu) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(cpu, &only);
      sched_setaffinity(0, sizeof(only), &only);  // refused for a CPU that is off: nothing runs there
      __atomic_store_n(&counters[cpu].generation, generation, __ATOMIC_SEQ_CST);
    }
  }).join();
  munmap(memory, bytes);
  return true;
}

std::uint32_t whose_turn(int counters_fd) {
  const __u32 first = 0;
  const auto block = std::make_unique<sockward_cpu_counters>();
  return bpf_map_lookup_elem(counters_fd, &first, block.get()) == 0 ? block->generation : 0;
}

}  // namespace sockward
