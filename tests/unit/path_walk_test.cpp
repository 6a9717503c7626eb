// Real files below a temporary root: no privilege is needed.
#include "host/paths/path_walk.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

namespace fs = std::filesystem;

class PathWalkTest : public testing::Test {
 protected:
  PathWalkTest() {
    fs::create_directories(folder / "a/b");
    std::ofstream(folder / "file") << "x";
    fs::create_symlink("a", folder / "link");
    fs::create_symlink("/a/b", folder / "absolute");
    fs::create_symlink("nowhere", folder / "dangling");
    fs::create_symlink("loop", folder / "loop");
    fs::create_symlink("a/", folder / "slash");
    fs::create_symlink("file/", folder / "file-slash");
    root = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  ~PathWalkTest() override {
    close(root);
    fs::remove_all(folder);
  }
  PathTrace trace(const std::string& path, bool follow = true) {
    auto traced = PathWalk(root).trace(path, follow);
    EXPECT_TRUE(traced) << path;
    return traced ? *traced : PathTrace{};
  }

  const fs::path folder = fs::temp_directory_path() / ("sockward-path-" + std::to_string(getpid()));
  int root = -1;
};

TEST_F(PathWalkTest, NotesEveryDirectoryAndTheObject) {
  const PathTrace found = trace("/a/b");
  ASSERT_EQ(found.searched.size(), 2u);
  EXPECT_EQ(found.searched[1].path, "/a");
  ASSERT_TRUE(found.object);
  EXPECT_EQ(found.object->path, "/a/b");
  EXPECT_EQ(found.object->object.kind, PathObject::Kind::directory);
  EXPECT_NE(found.file_system, 0);
  EXPECT_TRUE(found.callers_view);
  EXPECT_FALSE(found.missing);
}

TEST_F(PathWalkTest, ALastComponentThatIsNotThereIsNotMissing) {
  const PathTrace found = trace("/a/x");
  EXPECT_FALSE(found.object);
  EXPECT_FALSE(found.missing);
  EXPECT_EQ(found.searched.back().path, "/a");
}

TEST_F(PathWalkTest, ADirectoryThatIsNotThereIsMissing) {
  EXPECT_EQ(trace("/a/x/y").missing, "/a/x");
  EXPECT_FALSE(trace("/a/x/y").missing_is_file);
  EXPECT_EQ(trace("/link/x/y").missing, "/a/x");
  EXPECT_EQ(trace("/x/").missing, "/x");
  EXPECT_EQ(trace("/dangling/x").missing, "/nowhere");
}

TEST_F(PathWalkTest, AFileWhereADirectoryMustBeIsMissing) {
  for (const char* path : {"/file/x", "/file/../x", "/file/", "/file/.", "/file-slash"}) {
    const PathTrace found = trace(path);
    EXPECT_EQ(found.missing, "/file") << path;
    EXPECT_TRUE(found.missing_is_file) << path;
    EXPECT_FALSE(found.object) << path;
  }
  EXPECT_FALSE(trace("/file").missing);
}

TEST_F(PathWalkTest, ALinkAtTheEndIsFollowedWhereTheCallFollowsIt) {
  EXPECT_EQ(trace("/dangling").missing, "/nowhere");
  const PathTrace not_followed = trace("/dangling", false);
  EXPECT_FALSE(not_followed.missing);
  ASSERT_TRUE(not_followed.object);
  EXPECT_EQ(not_followed.object->object.kind, PathObject::Kind::symlink);
  const PathTrace slash = trace("/link/", false);
  ASSERT_TRUE(slash.object);
  EXPECT_EQ(slash.object->path, "/a");
}

TEST_F(PathWalkTest, LinksComeWithTheirOwnTimes) {
  const PathTrace found = trace("/absolute/x");
  ASSERT_EQ(found.links.size(), 1u);
  EXPECT_EQ(found.links[0].path, "/absolute");
  EXPECT_EQ(found.links[0].object.kind, PathObject::Kind::symlink);
  EXPECT_NE(found.links[0].object.changed.ns, 0);
  EXPECT_EQ(found.searched.back().path, "/a/b");
}

TEST_F(PathWalkTest, DotDotBehindALinkIsTheParentOfItsTarget) {
  EXPECT_EQ(trace("/absolute/../x").searched.back().path, "/a");
  ASSERT_TRUE(trace("/absolute/..").object);
  EXPECT_EQ(trace("/absolute/..").object->path, "/a");
  EXPECT_EQ(trace("/../../x").searched.back().path, "/");
  EXPECT_EQ(trace("/").object->path, "/");
}

TEST_F(PathWalkTest, ALoopEndsAfterFortyLinks) {
  EXPECT_TRUE(trace("/loop/x").loops);
  EXPECT_FALSE(trace("/slash/x").loops);
}

TEST_F(PathWalkTest, WhatALinkOfProcMeansDependsOnTheCaller) {
  const int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const auto found = PathWalk(host).trace("/proc/self/stat", true);
  close(host);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->callers_view);
  EXPECT_EQ(found->file_system, PROC_SUPER_MAGIC);
}

TEST_F(PathWalkTest, AFileWithoutANameHasNoLinks) {
  const std::string path = folder / "file";
  EXPECT_EQ(trace("/file").object->object.links, 1u);
  EXPECT_NE(trace("/file").object->object.modified.ns, 0);
  fs::create_hard_link(path, folder / "other");
  EXPECT_EQ(trace("/file").object->object.links, 2u);
}

TEST_F(PathWalkTest, RenamesElsewhereAreNoExhaustedBudget) {
  std::atomic<bool> stop = false;
  std::thread renaming([&] {
    while (!stop) {
      fs::rename(folder / "file", folder / "file2");
      fs::rename(folder / "file2", folder / "file");
    }
  });
  std::string up_and_down;
  for (int i = 0; i < 500; ++i) up_and_down += "/a/..";
  int opened = 0;
  for (int i = 0; i < 300; ++i) {
    const FileDescriptor object = open_below(root, i % 2 == 0 ? up_and_down : "/a/../a/b");
    if (object.valid())
      ++opened;
    else
      EXPECT_EQ(errno, EBUSY);
  }
  stop = true;
  renaming.join();
  EXPECT_GT(opened, 0);
}

}  // namespace
}  // namespace sockward
