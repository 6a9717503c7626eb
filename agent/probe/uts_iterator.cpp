#include "probe/uts_iterator.hpp"

#include <sockward/event.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "probe/iterator.hpp"

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

Result<std::vector<UtsNamespace>> iterate_uts_namespaces(const bpf_link* iterator) {
  std::map<NamespaceInode, UtsNamespace> namespaces;
  const auto count = run_iterator(iterator, sizeof(sockward_uts_entry), "process iterator", [&](auto bytes) {
    sockward_uts_entry entry{};
    std::memcpy(&entry, bytes.data(), sizeof(entry));
    add_entry(entry, namespaces);
  });
  if (!count) return count.error();
  std::vector<UtsNamespace> result;
  result.reserve(namespaces.size());
  for (auto& [inode, known] : namespaces) result.push_back(std::move(known));
  return result;
}

Result<std::optional<std::uint64_t>> iterate_mount_events(const bpf_link* iterator, NamespaceInode mntns) {
  std::optional<std::uint64_t> event;
  const auto count = run_iterator(iterator, sizeof(sockward_uts_entry), "process iterator", [&](auto bytes) {
    sockward_uts_entry entry{};
    std::memcpy(&entry, bytes.data(), sizeof(entry));
    // The latest look at it.
    if (entry.mntns == mntns) event = std::max(event.value_or(0), std::uint64_t{entry.mount_event});
  });
  if (!count) return count.error();
  if (event == 0)
    return make_error(std::errc::function_not_supported, "the kernel does not report mount events");
  return event;
}

}  // namespace sockward
