// Calls that take paths: how they are read, and what they are relative to.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>

#include "bpf/calls.hpp"

namespace sockward::test {
namespace {

class Paths : public Calls {};

TEST_F(Paths, RelativePathsAreResolvedInTheKernel) {
  std::filesystem::create_directories(folder / "a/b");
  const std::uint32_t child = in_child([&] {
    if (chdir((folder / "a/b").c_str()) != 0) return false;
    const bool failed = raw_connect(socket(AF_UNIX, SOCK_STREAM, 0),
                                    sockaddr_un_bytes(std::string("rel.sock\0", 9))) == ENOENT;
    return failed && unlink("gone") != 0;
  });
  ASSERT_NE(child, 0u);
  EXPECT_EQ(resolved_path(*event_of(Syscall::connect, child)), folder / "a/b/rel.sock");
  EXPECT_EQ(resolved_path(*event_of(kUnlinkCall, child)), folder / "a/b/gone");
}

TEST_F(Paths, DirectoryDescriptorsMountsAndRootsAreFollowed) {
  std::filesystem::create_directories(folder / "root/deep/er");
  const std::uint32_t child = in_child([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return false;
    if (mount("tmpfs", (folder / "root/deep/er").c_str(), "tmpfs", 0, nullptr) != 0) return false;
    const int er = open((folder / "root/deep/er").c_str(), O_PATH | O_DIRECTORY);
    unlinkat(er, "across-a-mount", 0);
    if (chroot((folder / "root").c_str()) != 0 || chdir("/deep") != 0) return false;
    unlinkat(er, "below-a-root", 0);
    unlink("in-the-root");
    const int outside = open("/", O_PATH);
    return unlinkat(outside, "x", 0) != 0 && unlinkat(999, "bad-fd", 0) != 0;
  });
  ASSERT_NE(child, 0u);
  const auto named = [&](Syscall syscall, const std::string& name) {
    const auto event =
        event_of(syscall, child, [&](const Event& e) { return std::get<PathCall>(e.call).path == name; });
    return event ? resolved_path(*event) : std::optional<std::string>("no event");
  };
  EXPECT_EQ(named(Syscall::unlinkat, "across-a-mount"), folder / "root/deep/er/across-a-mount");
  EXPECT_EQ(named(Syscall::unlinkat, "below-a-root"), "/deep/er/below-a-root");
  EXPECT_EQ(named(kUnlinkCall, "in-the-root"), "/deep/in-the-root");
  EXPECT_EQ(named(Syscall::unlinkat, "x"), "/x");
  EXPECT_EQ(named(Syscall::unlinkat, "bad-fd"), std::nullopt);
}

TEST_F(Paths, LongPathsSayWhenTheyWereCut) {
  const std::string longest = "/" + std::string(4094, '/'), longer = "/" + std::string(4200, '/');
  EXPECT_NE(unlink(longest.c_str()), 0);
  EXPECT_NE(unlink(longer.c_str()), 0);
  const auto whole = event_of(kUnlinkCall, my_tid(), [](const Event& e) {
    return std::get<PathCall>(e.call).path.value_or("").starts_with("//");
  });
  ASSERT_TRUE(whole);
  EXPECT_TRUE(std::get<PathCall>(whole->call).path == longest);
  EXPECT_FALSE(std::get<PathCall>(whole->call).truncated);
  const auto cut = event_of(kUnlinkCall, my_tid(), [](const Event& e) { return e.error() == ENAMETOOLONG; });
  ASSERT_TRUE(cut);
  EXPECT_EQ(std::get<PathCall>(cut->call).path->size(), 4095u);
  EXPECT_TRUE(std::get<PathCall>(cut->call).truncated);
}

TEST_F(Paths, ADirectoryDeeperThanTheWalkIsNotGuessed) {
  std::string deep = folder.path();
  for (int i = 0; i < 40; ++i) deep += "/d";
  std::filesystem::create_directories(deep);
  const std::uint32_t child = in_child([&] { return chdir(deep.c_str()) == 0 && unlink("too-deep") != 0; });
  ASSERT_NE(child, 0u);
  const auto event = event_of(kUnlinkCall, child);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<PathCall>(event->call).directory.state, Directory::State::clipped);
}

TEST_F(Paths, OpenThatRefusesSymlinksIsReportedWithItsFlags) {
  std::filesystem::create_symlink("/usr", folder / "link");
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_SYMLINKS;
  EXPECT_LT(syscall(SYS_openat2, AT_FDCWD, (folder / "link/lib").c_str(), &how, sizeof(how)), 0);
  const auto event = event_of(Syscall::openat2, my_tid());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error(), ELOOP);
  const auto& call = std::get<PathCall>(event->call);
  EXPECT_EQ(call.path, folder / "link/lib");
  EXPECT_EQ(call.resolve, std::uint64_t{RESOLVE_NO_SYMLINKS});
  EXPECT_EQ(call.flags, static_cast<std::uint32_t>(O_PATH | O_NOFOLLOW));
  EXPECT_TRUE(event->kernel_answered) << "no seccomp filter here";
}

TEST_F(Paths, LoopsOfMountCallsAreReportedAndOtherErrorsAreNot) {
  std::filesystem::create_symlink("loop", folder / "loop");
  const std::string loop = folder / "loop";
  const OwnCgroup own(*kernel);
  EXPECT_NE(mount("/tmp", loop.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_LT(syscall(SYS_open_tree, AT_FDCWD, loop.c_str(), 0), 0);
  EXPECT_LT(
      syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, loop.c_str(), 0x10 /* MOVE_MOUNT_T_SYMLINKS */), 0);
  EXPECT_NE(mount("/tmp", (folder / "missing").c_str(), nullptr, MS_BIND, nullptr), 0);
  for (const Syscall syscall : {Syscall::mount, Syscall::open_tree, Syscall::move_mount}) {
    const auto event = event_of(syscall, my_tid());
    ASSERT_TRUE(event) << to_string(syscall);
    EXPECT_EQ(std::get<PathCall>(event->call).path, loop);
    if (syscall != Syscall::open_tree) {
      EXPECT_EQ(std::get<PathCall>(event->call).source, "/tmp");
    }
  }
  EXPECT_EQ(own.failures(Syscall::mount, Family::none, ELOOP), 1u);
  EXPECT_EQ(own.failures(Syscall::mount, Family::none, ENOENT), 0u);
}

}  // namespace
}  // namespace sockward::test
