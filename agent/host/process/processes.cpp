#include "host/process/processes.hpp"

#include <dirent.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace sockward {

Result<std::vector<std::uint32_t>> list_processes(const std::string& proc) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(proc.c_str()), closedir);
  if (!folder) return last_error("open " + proc);
  std::vector<std::uint32_t> found;
  while (const dirent* entry = readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): a DIR of our own
    std::uint32_t tgid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto parsed = std::from_chars(entry->d_name, end, tgid);
    if (parsed.ec == std::errc() && parsed.ptr == end) found.push_back(tgid);
  }
  return found;
}

}  // namespace sockward
