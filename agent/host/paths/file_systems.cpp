#include "host/paths/file_systems.hpp"

#include <linux/magic.h>

#include <algorithm>
#include <iterator>

namespace sockward {
namespace {

// Those that linux/magic.h does not name, from the sources of the file systems.
constexpr long kFuse = 0x65735546, kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kNinep = 0x01021997,
               kCeph = 0x00C36400, kZfs = 0x2FC12FC1, kBcachefs = 0xCA451A4E;

constexpr long kRemote[] = {NFS_SUPER_MAGIC, kFuse, kCifs, kSmb2, kNinep, kCeph};
constexpr long kExact[] = {EXT4_SUPER_MAGIC,     XFS_SUPER_MAGIC,
                           BTRFS_SUPER_MAGIC,    TMPFS_MAGIC,
                           RAMFS_MAGIC,          F2FS_SUPER_MAGIC,
                           EROFS_SUPER_MAGIC_V1, OVERLAYFS_SUPER_MAGIC,
                           SQUASHFS_MAGIC,       kZfs,
                           ISOFS_SUPER_MAGIC,    kBcachefs};

template <class Numbers>
bool is_among(const Numbers& numbers, long magic) {
  return std::find(std::begin(numbers), std::end(numbers), magic) != std::end(numbers);
}

}  // namespace

bool is_remote(long magic) {
  return is_among(kRemote, magic);
}

bool keeps_exact_times(long magic) {
  return is_among(kExact, magic);
}

}  // namespace sockward
