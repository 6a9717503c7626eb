#include "host/paths/caller_view.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>

#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

FileDescriptor duplicate(const FileDescriptor& folder) {
  return FileDescriptor(fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
}

/// The view of whoever owns this folder of /proc, and whether it is that of the record.
Result<CallerView> view_through(FileDescriptor process, const Event& event) {
  FileDescriptor root(openat(process.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return last_error("open /proc/pid/root");
  struct stat status {};
  if (fstat(root.get(), &status) != 0) return last_error("look at /proc/pid/root");
  // After the root was opened: a change of the namespace in between changes the root directory with it
  // (kernel/nsproxy.c, commit_nsset), so one that is found unchanged here was so then.
  const auto mounts = namespace_in(process, "mnt");
  const bool exact = mounts && *mounts == event.actor.mntns && status.st_dev == event.actor.root_device &&
                     status.st_ino == event.actor.root_inode;
  return CallerView{std::move(root), std::move(process), exact};
}

}  // namespace

CallerViews::CallerViews(const ProcessFolders& processes, const Clock& clock, CpuBudget& limit)
    : processes_(processes), clock_(clock), limit_(limit) {
  struct stat status {};
  if (stat("/proc/self/ns/mnt", &status) == 0) own_mntns_ = static_cast<NamespaceInode>(status.st_ino);
  if (stat("/proc/self/ns/user", &status) == 0) own_userns_ = static_cast<NamespaceInode>(status.st_ino);
  if (stat("/", &status) == 0) {
    own_root_device_ = status.st_dev;
    own_root_inode_ = status.st_ino;
  }
}

bool CallerViews::has_our_root(const Event& event) const {
  return event.actor.root_device == own_root_device_ && event.actor.root_inode == own_root_inode_;
}

bool CallerViews::is_ours(const Event& event) const {
  return event.actor.mntns == own_mntns_ && has_our_root(event);
}

/// The same process again: a container that fails over and over has one that stays.
Result<CallerView> CallerViews::open_known_sibling(const Event& event) const {
  std::vector<FileDescriptor> siblings;
  {
    const std::lock_guard lock(mutex_);
    for (const FileDescriptor& sibling : siblings_) siblings.push_back(duplicate(sibling));
  }
  // Not under the lock: looking at a root directory can hang, for a file system may.
  for (FileDescriptor& sibling : siblings) {
    auto view = view_through(std::move(sibling), event);
    if (view && view->exact && processes_.is_older(view->process, event.time)) return view;
  }
  return make_error(std::errc::no_such_process, "find a process with the caller's root");
}

void CallerViews::remember_sibling(const FileDescriptor& process) const {
  constexpr std::size_t kMost = 8;
  const std::lock_guard lock(mutex_);
  if (siblings_.size() == kMost) siblings_.pop_front();
  siblings_.push_back(duplicate(process));
}

Result<CallerView> CallerViews::open_sibling(const Event& event) const {
  if (auto known = open_known_sibling(event)) return known;
  if (!limit_.may_begin()) return budget_exhausted("search for a process with the caller's root");
  const CpuBudget::Use use(limit_, clock_);
  Result<CallerView> found = make_error(std::errc::no_such_process, "find a process with the caller's root");
  const auto same_view = [&](const FileDescriptor& folder) {
    auto view = view_through(duplicate(folder), event);
    if (!view || !view->exact) return false;
    found = std::move(view);
    return true;
  };
  const auto member = processes_.open_member("mnt", event.actor.mntns, event.time, same_view);
  if (!member) return member.error();
  remember_sibling(*member);
  return found;
}

Result<CallerView> CallerViews::open(const Event& event) const {
  Result<CallerView> present =
      make_error(std::errc::no_such_process, "open the root of a process that is gone");
  auto process = processes_.open_thread(event);
  if (!process) process = processes_.open(process_of(event));
  if (process) present = view_through(std::move(*process), event);
  if (present && present->exact) return present;
  if (process = processes_.open(process_of(event)); process) {
    auto leader = view_through(std::move(*process), event);
    if (leader && (leader->exact || !present)) present = std::move(leader);
    if (present && present->exact) return present;
  }
  if (is_ours(event)) {
    if (process = processes_.open_own(); process) {
      auto own = view_through(std::move(*process), event);
      if (own && own->exact) return own;
    }
    return present;
  }
  // stat(2) gives its directories another device than the kernel side does (fs/btrfs/inode.c, btrfs_getattr):
  // no view can be found to be exact.
  if (present && file_system_of(present->root) == BTRFS_SUPER_MAGIC) return present;
  auto sibling = open_sibling(event);
  if (sibling || !present) return sibling;
  return present;
}

}  // namespace sockward
