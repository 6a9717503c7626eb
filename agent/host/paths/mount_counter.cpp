#include "host/paths/mount_counter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

namespace sockward {
namespace {

/// Has the table changed since it was opened, or since this was last asked? True also when that cannot be
/// found out.
bool has_changed(const FileDescriptor& table) {
  pollfd asked{.fd = table.get(), .events = POLLPRI, .revents = 0};
  return poll(&asked, 1, 0) < 0 || (asked.revents & (POLLPRI | POLLERR | POLLNVAL)) != 0;
}

}  // namespace

MountCounter::MountCounter(const std::string& proc, const MountEvents* events, const Clock& clock,
                           CpuBudget& limit)
    : events_(events), clock_(clock), limit_(limit) {
  if (events_ == nullptr) return;
  watch(proc + "/self");
  watch(proc + "/1");
}

void MountCounter::watch(const std::string& process) {
  struct stat status {};
  FileDescriptor table(open((process + "/mountinfo").c_str(), O_RDONLY | O_CLOEXEC));
  if (!table.valid() || stat((process + "/ns/mnt").c_str(), &status) != 0) return;
  const auto inode = static_cast<NamespaceInode>(status.st_ino);
  const auto known = [&](const Watched& one) { return one.inode == inode; };
  if (std::none_of(watched_.begin(), watched_.end(), known))
    watched_.push_back({.inode = inode, .table = std::move(table), .value = {}});
}

Result<std::optional<std::uint64_t>> MountCounter::read_now(NamespaceInode mntns) const {
  if (!limit_.may_begin()) return budget_exhausted("read the mount namespaces of all processes");
  const CpuBudget::Use use(limit_, clock_);
  return events_->mount_event(mntns);
}

Result<std::optional<std::uint64_t>> MountCounter::read(NamespaceInode mntns) const {
  if (events_ == nullptr)
    return make_error(std::errc::function_not_supported, "read the event counter of a mount namespace");
  const std::lock_guard lock(mutex_);
  const auto watched =
      std::find_if(watched_.begin(), watched_.end(), [&](const Watched& one) { return one.inode == mntns; });
  if (watched == watched_.end()) return read_now(mntns);
  // First the look at the table, then the value: what changes in between is seen the next time.
  if (has_changed(watched->table)) watched->value.reset();
  if (watched->value) return watched->value;
  auto now = read_now(mntns);
  if (now) watched->value = *now;
  return now;
}

}  // namespace sockward
