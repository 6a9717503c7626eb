// Names of users and groups, as a root directory's own files have them.
#include "host/paths/id_names.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file_descriptor.hpp"

namespace sockward {
namespace {

namespace fs = std::filesystem;

TEST(NameOfId, IsThatOfTheFirstLineWithTheNumber) {
  constexpr const char* kLines =
      "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nwww-data:x:33:33:a:b:c\n";
  EXPECT_EQ(name_of_id(kLines, 0), "root");
  EXPECT_EQ(name_of_id(kLines, 33), "www-data");
  EXPECT_EQ(name_of_id(kLines, 3), std::nullopt);
  EXPECT_EQ(name_of_id("docker:x:999:", 999), "docker") << "a group, without a newline at the end";
  EXPECT_EQ(name_of_id("short:x:7", 7), "short");
}

TEST(NameOfId, IsNotTakenFromLinesThatAreNone) {
  EXPECT_EQ(name_of_id("", 0), std::nullopt);
  EXPECT_EQ(name_of_id("\n\n:::\nx\nx:y\n", 0), std::nullopt);
  EXPECT_EQ(name_of_id("a:x:0x0:\nb:x:-1:\nc:x::\nd:x:4294967296:\n", 0), std::nullopt);
  EXPECT_EQ(name_of_id("a\x1b[31m:x:5:\n-rf:x:5:\ntwo words:x:5:\n", 5), std::nullopt) << "hostile names";
  EXPECT_EQ(name_of_id(std::string(65, 'a') + ":x:5:", 5), std::nullopt);
}

class IdNamesBelow : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder / "etc"); }
  void TearDown() override { fs::remove_all(folder); }
  void write(const char* name, const std::string& text) const { std::ofstream(folder / name) << text; }
  Result<IdNames> ask(std::uint32_t uid, std::uint32_t gid) const {
    const FileDescriptor root(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return id_names_below(root.get(), uid, gid);
  }
  const fs::path folder = fs::temp_directory_path() / ("sockward-ids-" + std::to_string(getpid()));
};

TEST_F(IdNamesBelow, AreThoseOfItsFilesAndNotOfOurs) {
  write("etc/passwd", "captain:x:0:0::/:/bin/sh\n");
  write("etc/group", "crew:x:5:\n");
  const auto found = ask(0, 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "captain");
  EXPECT_EQ(found->group, "crew");
  const auto unnamed = ask(1, 0);
  ASSERT_TRUE(unnamed);
  EXPECT_FALSE(unnamed->user);
  EXPECT_FALSE(unnamed->group);
}

TEST_F(IdNamesBelow, AreNotKnownWithoutFilesOrFromWhatIsNoFile) {
  EXPECT_FALSE(ask(0, 0)) << "there are none";
  write("etc/group", "root:x:0:\n");
  ASSERT_EQ(mkfifo((folder / "etc/passwd").c_str(), 0644), 0);
  EXPECT_FALSE(ask(0, 0)) << "a FIFO would hang whoever opens it";
  fs::remove(folder / "etc/passwd");
  fs::create_symlink("/etc/passwd", folder / "etc/passwd");
  EXPECT_FALSE(ask(0, 0)) << "a link at the end";
  fs::remove(folder / "etc/passwd");
  write("etc/passwd", std::string((1 << 20) + 1, '\n'));
  EXPECT_FALSE(ask(0, 0)) << "longer than a megabyte";
}

}  // namespace
}  // namespace sockward
