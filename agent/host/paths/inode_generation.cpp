#include "host/paths/inode_generation.hpp"

#include <fcntl.h>
#include <linux/magic.h>

#include <cstring>

namespace sockward {
namespace {

constexpr int kInode32 = 1, kXfsInode64 = 0x81, kBtrfs = 0x4D;
constexpr std::size_t kWord = 4;

/// Where the generation is; nullopt: not known.
std::optional<std::size_t> place_of_generation(long file_system, int type, std::size_t bytes) {
  const bool two_words =
      file_system == EXT4_SUPER_MAGIC || file_system == XFS_SUPER_MAGIC || file_system == F2FS_SUPER_MAGIC;
  if (two_words && type == kInode32 && bytes == 2 * kWord) return kWord;
  if (file_system == XFS_SUPER_MAGIC && type == kXfsInode64 && bytes == 3 * kWord) return 2 * kWord;
  if (file_system == TMPFS_MAGIC && type == kInode32 && bytes == 3 * kWord) return 0;
  if (file_system == BTRFS_SUPER_MAGIC && type == kBtrfs && bytes == 5 * kWord) return 4 * kWord;
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> generation_in_handle(long file_system, int type,
                                                  std::span<const unsigned char> handle) {
  const auto place = place_of_generation(file_system, type, handle.size());
  if (!place) return std::nullopt;
  std::uint32_t generation = 0;
  std::memcpy(&generation, handle.data() + *place, sizeof(generation));
  return generation;
}

std::optional<std::uint32_t> generation_of(const FileDescriptor& object, long file_system) {
  alignas(file_handle) unsigned char bytes[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (name_to_handle_at(object.get(), "", handle, &mount, AT_EMPTY_PATH) != 0) return std::nullopt;
  return generation_in_handle(file_system, handle->handle_type,
                              {bytes + sizeof(file_handle), handle->handle_bytes});
}

}  // namespace sockward
