#pragma once
#include <cstddef>
#include <functional>
#include <span>

#include "base/result.hpp"

struct bpf_link;

namespace sockward {

/// Runs an iterator program once and hands over what it wrote, in pieces of `size` bytes. `subject` is for
/// errors.
Result<std::size_t> run_iterator(const bpf_link* iterator, std::size_t size, const char* subject,
                                 const std::function<void(std::span<const std::byte>)>& take);

}  // namespace sockward
