#include "host/paths/inode_generation.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "host/paths/file_systems.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

std::optional<std::uint32_t> found(long file_system, int type, const std::vector<std::uint32_t>& words) {
  return generation_in_handle(
      file_system, type,
      {reinterpret_cast<const unsigned char*>(words.data()), words.size() * sizeof(words[0])});
}

TEST(InodeGeneration, StandsWhereEachFileSystemPutsIt) {
  EXPECT_EQ(found(EXT4_SUPER_MAGIC, 1, {11, 22}), 22u);
  EXPECT_EQ(found(XFS_SUPER_MAGIC, 1, {11, 22}), 22u);
  EXPECT_EQ(found(XFS_SUPER_MAGIC, 0x81, {11, 0, 22}), 22u);
  EXPECT_EQ(found(TMPFS_MAGIC, 1, {22, 11, 0}), 22u);
  EXPECT_EQ(found(BTRFS_SUPER_MAGIC, 0x4D, {1, 0, 5, 0, 22}), 22u);
}

TEST(InodeGeneration, IsNotGuessedFromOtherHandles) {
  EXPECT_FALSE(found(EXT4_SUPER_MAGIC, 1, {11, 22, 33}));
  EXPECT_FALSE(found(EXT4_SUPER_MAGIC, 2, {11, 22}));
  EXPECT_FALSE(found(TMPFS_MAGIC, 1, {11, 22}));
  EXPECT_FALSE(found(OVERLAYFS_SUPER_MAGIC, 0xF8, {11, 22}));
  EXPECT_FALSE(found(NFS_SUPER_MAGIC, 1, {11, 22}));
  EXPECT_FALSE(found(EXT4_SUPER_MAGIC, 1, {}));
}

TEST(InodeGeneration, IsTheOneThatTheFileSystemReports) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("sockward-inode-" + std::to_string(getpid()));
  const FileDescriptor file(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_TRUE(file.valid());
  const FileDescriptor object(open(path.c_str(), O_PATH | O_CLOEXEC));
  unlink(path.c_str());
  const auto described = describe(object);
  ASSERT_TRUE(described);
  EXPECT_EQ(described->links, 0u);
  std::uint32_t version = 0;
  if (file_system_of(object) != EXT4_SUPER_MAGIC || ioctl(file.get(), FS_IOC_GETVERSION, &version) != 0)
    GTEST_SKIP() << "the temporary folder is not on ext4";
  EXPECT_EQ(described->generation, version);
  EXPECT_TRUE(described->exact_times);
}

TEST(FileSystems, TimesAreExactWhereEveryChangeIsDated) {
  for (const long magic : {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC})
    EXPECT_TRUE(keeps_exact_times(magic)) << magic;
  for (const long magic : {NFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, PROC_SUPER_MAGIC, 0})
    EXPECT_FALSE(keeps_exact_times(magic)) << magic;
  EXPECT_TRUE(is_remote(NFS_SUPER_MAGIC));
  EXPECT_FALSE(is_remote(EXT4_SUPER_MAGIC));
}

}  // namespace
}  // namespace sockward
