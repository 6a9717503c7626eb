#include "host/paths/id_names.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/read_file.hpp"
#include "host/paths/root_files.hpp"

namespace sockward {
namespace {

constexpr std::size_t kLongestFile = std::size_t{1} << 20;
constexpr std::size_t kLongestName = 64;

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '-' || c == '.';
         });
}

/// The name of one line, "name:password:number:…", if the number is this one.
std::optional<std::string_view> name_in(std::string_view line, std::uint32_t id) {
  const std::size_t name_end = line.find(':');
  if (name_end == std::string_view::npos) return std::nullopt;
  const std::size_t number_at = line.find(':', name_end + 1);
  if (number_at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(number_at + 1);
  const std::string_view number = rest.substr(0, rest.find(':'));
  std::uint32_t found = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), found);
  if (error != std::errc() || end != number.data() + number.size() || found != id) return std::nullopt;
  const std::string_view name = line.substr(0, name_end);
  return is_plain(name) ? std::optional(name) : std::nullopt;
}

Result<std::optional<std::string>> look_up(int root, const char* path, std::uint32_t id) {
  const FileDescriptor object = open_below(root, path);
  if (!object.valid()) return last_error(std::string("open ") + path);
  const auto described = describe(object);
  if (!described) return described.error();
  if (described->kind != PathObject::Kind::file)  // opening a FIFO would block
    return make_error(std::errc::invalid_argument, std::string("read ") + path);
  std::optional<std::string> found;
  const auto read = read_lines_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", object.get()), kLongestFile,
                                  [&](std::string_view lines) {
                                    if (!found) found = name_of_id(lines, id);
                                  });
  if (!read) return read.error();
  return found;
}

}  // namespace

std::optional<std::string> name_of_id(std::string_view lines, std::uint32_t id) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (const auto name = name_in(lines.substr(0, end), id)) return std::string(*name);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return std::nullopt;
}

Result<IdNames> id_names_below(int root, std::uint32_t uid, std::uint32_t gid) {
  auto user = look_up(root, "/etc/passwd", uid);
  if (!user) return user.error();
  auto group = look_up(root, "/etc/group", gid);
  if (!group) return group.error();
  return IdNames{*user, *group};
}

}  // namespace sockward
