#pragma once
#include <cstdint>

namespace sockward {

/// The inode number of a namespace. May be reused after the namespace is gone.
using NamespaceInode = std::uint32_t;

}  // namespace sockward
