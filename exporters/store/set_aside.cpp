// A store that cannot be used is renamed, not removed: somebody may want to look at it.
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "base/log.hpp"
#include "store/record_store.hpp"

namespace sockward {
namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32] = "";
  std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

/// They must not fill the disk: all but the latest two are removed, with their logs.
void remove_earlier(const std::string& path, const char* why) {
  constexpr std::size_t kKept = 2;
  const std::filesystem::path file(path);
  const std::string beginning = file.filename().string() + "." + why + "-";
  std::set<std::string> found;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(file.parent_path(), error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(beginning) && !name.ends_with("-wal") && !name.ends_with("-shm")) found.insert(name);
  }
  while (found.size() > kKept) {
    for (const char* part : {"", "-wal", "-shm"})
      (void)std::remove((file.parent_path() / (*found.begin() + part)).c_str());
    found.erase(found.begin());
  }
}

}  // namespace

Result<bool> set_store_aside(const std::string& path, const char* why, const std::string& reason) {
  const std::string aside = fmt::format("{}.{}-{}", path, why, now_text());
  for (const char* part : {"-wal", "-shm", ""})
    if (std::rename((path + part).c_str(), (aside + part).c_str()) != 0 && errno != ENOENT)
      return last_error(fmt::format("rename {}{} to {}{}", path, part, aside, part));
  log_error(
      "the record store {} cannot be used: {}; it was renamed to {} and a new one is begun; "
      "next: sockward why "
      "--records.store={} may still read it, else remove it",
      path, reason, aside, aside);
  remove_earlier(path, why);
  return true;
}

}  // namespace sockward
