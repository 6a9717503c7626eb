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

struct NamedId {
  std::string_view name;
  std::uint32_t id = 0;
};

/// What one line says, "name:password:number:…".
std::optional<NamedId> named_id_in(std::string_view line) {
  const std::size_t name_end = line.find(':');
  if (name_end == std::string_view::npos) return std::nullopt;
  const std::size_t number_at = line.find(':', name_end + 1);
  if (number_at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(number_at + 1);
  const std::string_view number = rest.substr(0, rest.find(':'));
  NamedId found{.name = line.substr(0, name_end)};
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), found.id);
  if (error != std::errc() || end != number.data() + number.size() || !is_plain(found.name))
    return std::nullopt;
  return found;
}

using Names = std::map<std::uint32_t, std::string>;

Result<Names> look_up(int root, const char* path, const std::set<std::uint32_t>& wanted) {
  Names found;
  if (wanted.empty()) return found;
  const FileDescriptor object = open_below(root, path);
  if (!object.valid()) return last_error(std::string("open ") + path);
  const auto described = describe(object);
  if (!described) return described.error();
  if (described->kind != PathObject::Kind::file)  // opening a FIFO would block
    return make_error(std::errc::invalid_argument, std::string("read ") + path);
  const auto read = read_lines_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", object.get()), kLongestFile,
                                  [&](std::string_view lines) { add_names(lines, wanted, found); });
  if (!read) return read.error();
  return found;
}

}  // namespace

void add_names(std::string_view lines, const std::set<std::uint32_t>& wanted,
               std::map<std::uint32_t, std::string>& names) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (const auto found = named_id_in(lines.substr(0, end)); found && wanted.contains(found->id))
      names.try_emplace(found->id, found->name);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

Result<IdNames> id_names_below(int root, const IdNumbers& wanted) {
  auto users = look_up(root, "/etc/passwd", wanted.users);
  if (!users) return users.error();
  auto groups = look_up(root, "/etc/group", wanted.groups);
  if (!groups) return groups.error();
  return IdNames{std::move(*users), std::move(*groups)};
}

}  // namespace sockward
