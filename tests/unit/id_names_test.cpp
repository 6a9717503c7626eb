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

using Names = std::map<std::uint32_t, std::string>;

Names names_in(std::string_view lines, const std::set<std::uint32_t>& wanted) {
  Names found;
  add_names(lines, wanted, found);
  return found;
}

TEST(NamesOfIds, AreThoseOfTheFirstLineWithTheNumber) {
  constexpr const char* kLines =
      "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nwww-data:x:33:33:a:b:c\n";
  EXPECT_EQ(names_in(kLines, {0, 33, 3}), (Names{{0, "root"}, {33, "www-data"}}));
  EXPECT_EQ(names_in("docker:x:999:", {999}), (Names{{999, "docker"}})) << "without a newline at the end";
  EXPECT_EQ(names_in("short:x:7", {7}), (Names{{7, "short"}}));
}

TEST(NamesOfIds, AreNotTakenFromLinesThatAreNone) {
  for (const char* lines : {"", "\n\n:::\nx\nx:y\n", "a:x:0x0:\nb:x:-1:\nc:x::\nd:x:4294967296:\n",
                            "a\x1b[31m:x:0:\n-rf:x:0:\ntwo words:x:0:\n"})
    EXPECT_EQ(names_in(lines, {0}), Names()) << lines;
  EXPECT_EQ(names_in(std::string(65, 'a') + ":x:5:", {5}), Names());
}

class IdNamesBelow : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder / "etc"); }
  void TearDown() override { fs::remove_all(folder); }
  void write(const char* name, const std::string& text) const { std::ofstream(folder / name) << text; }
  Result<IdNames> ask(std::uint32_t uid, std::uint32_t gid) const {
    const FileDescriptor root(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return id_names_below(root.get(), {.users = {uid}, .groups = {gid}});
  }
  const fs::path folder = fs::temp_directory_path() / ("sockward-ids-" + std::to_string(getpid()));
};

TEST_F(IdNamesBelow, AreThoseOfItsFilesAndNotOfOurs) {
  write("etc/passwd", "captain:x:0:0::/:/bin/sh\n");
  write("etc/group", "crew:x:5:\n");
  const auto found = ask(0, 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->users, (Names{{0, "captain"}}));
  EXPECT_EQ(found->groups, (Names{{5, "crew"}}));
  const auto unnamed = ask(1, 0);
  ASSERT_TRUE(unnamed);
  EXPECT_TRUE(unnamed->users.empty());
  EXPECT_TRUE(unnamed->groups.empty());
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
