#include "base/read_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace sockward {
namespace {

TEST(ReadFile, TakesTextUpToALimit) {
  EXPECT_EQ(*read_file("/proc/self/comm"), "unit_tests\n");
  const auto some = read_file("/proc/self/maps", 100);
  EXPECT_GE(some->size(), 100U);
  EXPECT_LE(some->size(), 100U + 4096);
}

TEST(ReadFile, LinesComeWholeAndToTheEndOrNotAtAll) {
  const std::string path = "/tmp/sockward-read-file-" + std::to_string(getpid());
  std::string all;
  for (int i = 0; all.size() < 300'000; ++i)
    all += std::string(static_cast<std::size_t>(i % 500), 'x') + "\n";
  all += "without a newline";
  std::ofstream(path) << all;
  std::string read;
  std::size_t pieces = 0;
  const auto take = [&](std::string_view piece) {
    EXPECT_TRUE(piece.ends_with('\n') || piece.ends_with("without a newline"));
    EXPECT_LT(piece.size(), 70'000u);
    read += piece;
    ++pieces;
  };
  EXPECT_TRUE(read_lines_at(AT_FDCWD, path, all.size(), take));
  EXPECT_EQ(read, all);
  EXPECT_EQ(pieces, 5u);
  const auto cut = read_lines_at(AT_FDCWD, path, all.size() - 1, [](std::string_view) {});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, std::errc::file_too_large);
  EXPECT_EQ(cut.error().operation, "read more than " + std::to_string(all.size() - 1) + " bytes of " + path);
  unlink(path.c_str());
  EXPECT_EQ(read_lines_at(AT_FDCWD, path, 1, take).error().code, std::errc::no_such_file_or_directory);
}

TEST(ReadFile, AMissingFileAndAFolderAreErrors) {
  EXPECT_EQ(read_file("/nonexistent").error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(read_file("/").error().code, std::errc::is_a_directory);
  EXPECT_EQ(read_file("/nonexistent").error().operation, "open /nonexistent");
}

// A process that ends while its file is open: std::ifstream threw here, and the agent died of it.
TEST(ReadFile, AProcessThatIsGoneIsAnError) {
  int stay[2];
  ASSERT_EQ(pipe(stay), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(stay[1]);
    char end = 0;
    _exit(read(stay[0], &end, 1) == 0 ? 0 : 1);
  }
  const int folder = open(("/proc/" + std::to_string(child)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  ASSERT_TRUE(read_file_at(folder, "stat"));
  close(stay[0]);
  close(stay[1]);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(read_file_at(folder, "stat"));
  close(folder);
}

}  // namespace
}  // namespace sockward
