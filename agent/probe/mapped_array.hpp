#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"

namespace sockward {

/// For memory from mmap(2).
struct Unmap {
  std::size_t bytes = 0;
  void operator()(void* memory) const noexcept { munmap(memory, bytes); }
};

/// The elements of a BPF array that is made to be memory-mapped (BPF_F_MMAPABLE), for as long as this object
/// lives. Kernel side and other processes write to them meanwhile: what they write is read atomically.
template <class T>
class MappedArray {
 public:
  MappedArray() = default;
  /// `what`: what is attempted, for the Error: "map the counters".
  static Result<MappedArray> map(int map_fd, std::size_t elements, const std::string& what) {
    static_assert(sizeof(T) % 8 == 0, "the kernel rounds the size of an element up to 8 bytes");
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (elements * sizeof(T) + page - 1) / page * page;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (memory == MAP_FAILED) return last_error(what);
    return MappedArray(static_cast<T*>(memory), elements, bytes);
  }

  std::span<T> elements() const { return {memory_.get(), elements_}; }

 private:
  MappedArray(T* memory, std::size_t elements, std::size_t bytes)
      : memory_(memory, Unmap{bytes}), elements_(elements) {}

  std::unique_ptr<T[], Unmap> memory_;
  std::size_t elements_ = 0;
};

}  // namespace sockward
