#include "host/process/proc_uts.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <map>

#include "base/file_descriptor.hpp"
#include "host/in_namespace.hpp"
#include "host/process/processes.hpp"

namespace sockward {
namespace {

/// Fills the names; without the right to enter they stay empty.
void read_names(int fd, UtsNamespace& found) {
  const FileDescriptor owner(ioctl(fd, NS_GET_USERNS));
  struct stat status {};
  if (owner.valid() && fstat(owner.get(), &status) == 0)
    found.owner_userns = static_cast<NamespaceInode>(status.st_ino);
  const auto names = in_namespace<utsname>(fd, CLONE_NEWUTS, []() -> Result<utsname> {
    utsname here{};
    if (uname(&here) != 0) return last_error("read the names of a UTS namespace");
    return here;
  });
  if (!names) return;
  found.hostname = names->nodename;
  found.domainname = names->domainname;
}

}  // namespace

Result<std::vector<UtsNamespace>> ProcUts::read() const {
  const auto processes = list_processes(proc_);
  if (!processes) return processes.error();
  std::map<NamespaceInode, UtsNamespace> found;
  for (const std::uint32_t tgid : *processes) {
    struct stat status {};
    if (stat((proc_ + "/" + std::to_string(tgid) + "/ns/uts").c_str(), &status) != 0) continue;
    UtsNamespace& known = found[static_cast<NamespaceInode>(status.st_ino)];
    known.inode = static_cast<NamespaceInode>(status.st_ino);
    if (known.members++ == 0 || tgid < known.first_tgid) known.first_tgid = tgid;
  }
  std::vector<UtsNamespace> result;
  for (auto& [inode, known] : found) {
    const std::string file = proc_ + "/" + std::to_string(known.first_tgid) + "/ns/uts";
    const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) read_names(fd.get(), known);
    result.push_back(std::move(known));
  }
  return result;
}

}  // namespace sockward
