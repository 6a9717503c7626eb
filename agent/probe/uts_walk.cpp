#include "probe/uts_walk.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sockward/event.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <string>

#include "base/file_descriptor.hpp"

namespace sockward {
namespace {

void add_entry(const sockward_uts_entry& entry, std::map<NamespaceInode, UtsNamespace>& namespaces) {
  UtsNamespace& known = namespaces[entry.utsns];
  if (known.members++ == 0 || entry.tgid < known.first_tgid) {
    known.inode = entry.utsns;
    known.owner_userns = entry.owner_userns;
    known.first_tgid = entry.tgid;
    known.container_key = entry.container_key;
  }
  // The latest entry is the freshest look at the name.
  known.hostname.assign(entry.hostname, strnlen(entry.hostname, sizeof(entry.hostname)));
  known.domainname.assign(entry.domainname, strnlen(entry.domainname, sizeof(entry.domainname)));
}

}  // namespace

Result<std::vector<UtsNamespace>> walk_uts_namespaces(const bpf_link* iterator) {
  const FileDescriptor walk(bpf_iter_create(bpf_link__fd(iterator)));
  if (!walk.valid()) return last_error("start the walk over processes");
  std::map<NamespaceInode, UtsNamespace> namespaces;
  std::string pending;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t bytes = ::read(walk.get(), buffer.data(), buffer.size());
    if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (bytes < 0) return last_error("walk over processes");
    if (bytes == 0) break;
    pending.append(buffer.data(), static_cast<std::size_t>(bytes));
    std::size_t offset = 0;
    for (; pending.size() - offset >= sizeof(sockward_uts_entry); offset += sizeof(sockward_uts_entry)) {
      sockward_uts_entry entry{};
      std::memcpy(&entry, pending.data() + offset, sizeof(entry));
      add_entry(entry, namespaces);
    }
    pending.erase(0, offset);
  }
  std::vector<UtsNamespace> result;
  result.reserve(namespaces.size());
  for (auto& [inode, known] : namespaces) result.push_back(std::move(known));
  return result;
}

}  // namespace sockward
