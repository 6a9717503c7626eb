#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/file_descriptor.hpp"

namespace sockward {

/// The generation of an inode number (i_generation) in the file handle that a file system has made
/// (name_to_handle_at(2)); nullopt: not known to be in handles of this kind. Pure.
///
/// ext2/3/4, f2fs, xfs: type 1, inode and generation of four bytes each (fs/libfs.c,
/// generic_encode_ino32_fh); xfs: also type 0x81, inode of eight bytes (fs/xfs/xfs_export.c). tmpfs: type 1,
/// generation first (mm/shmem.c, shmem_encode_fh). btrfs: type 0x4d, two numbers of eight bytes first
/// (fs/btrfs/export.c).
std::optional<std::uint32_t> generation_in_handle(long file_system, int type,
                                                  std::span<const unsigned char> handle);
/// The same of what an O_PATH descriptor stands for. `file_system`: its magic number (statfs(2)).
std::optional<std::uint32_t> generation_of(const FileDescriptor& object, long file_system);

}  // namespace sockward
