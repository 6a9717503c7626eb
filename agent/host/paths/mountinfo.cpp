#include "host/paths/mountinfo.hpp"

#include <algorithm>
#include <charconv>

namespace sockward {
namespace {

constexpr std::string_view kDeleted = "//deleted";

bool is_octal(char digit) {
  return digit >= '0' && digit <= '7';
}

/// mountinfo writes space, tab, newline, backslash and # as octal (fs/proc_namespace.c, mangle).
std::string unescape_octal(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t start = line.find_first_not_of(' '); start != std::string_view::npos;
       start = line.find_first_not_of(' ', start)) {
    const std::size_t end = std::min(line.find(' ', start), line.size());
    words.push_back(line.substr(start, end - start));
    start = end;
  }
  return words;
}

bool is_listed(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t end = std::min(options.find(','), options.size());
    if (options.substr(0, end) == wanted) return true;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return false;
}

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool MountLine::has_option(std::string_view wanted) const {
  return is_listed(options, wanted);
}

bool MountLine::has_super_option(std::string_view wanted) const {
  return is_listed(super_options, wanted);
}

std::optional<MountLine> parse_mount_line(std::string_view line) {
  constexpr std::size_t kNumber = 0, kRoot = 3, kPoint = 4, kOptions = 5, kFirstOptional = 6;
  const auto words = words_of(line);
  if (words.size() < kFirstOptional) return std::nullopt;
  const auto separator = std::find(words.begin() + kFirstOptional, words.end(), "-");
  const auto number = to_number<std::uint64_t>(words[kNumber]);
  // The source may be an empty string, which leaves a word less.
  if (!number || words.end() - separator < 3) return std::nullopt;
  const bool has_source = words.end() - separator > 3;
  return MountLine{.number = *number,
                   .root = unescape_octal(words[kRoot]),
                   .point = unescape_octal(words[kPoint]),
                   .options = std::string(words[kOptions]),
                   .type = unescape_octal(*(separator + 1)),
                   .source = has_source ? unescape_octal(*(separator + 2)) : "",
                   .super_options = std::string(*(separator + (has_source ? 3 : 2)))};
}

void for_each_mount(std::string_view mountinfo, const std::function<void(const MountLine&)>& take) {
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    if (const auto line = parse_mount_line(mountinfo.substr(0, end))) take(*line);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
  }
}

MountPoint to_mount_point(const MountLine& line) {
  MountPoint found{.point = line.point,
                   .root = line.root,
                   .file_system = line.type,
                   .source = line.source,
                   .source_removed = line.root.ends_with(kDeleted),
                   .read_only = line.has_option("ro") || line.has_super_option("ro")};
  if (found.source_removed) found.root.resize(found.root.size() - kDeleted.size());
  return found;
}

MountIdMapping id_mapping_of(std::string_view mountinfo, const std::vector<std::uint64_t>& mounts) {
  MountIdMapping found;
  for_each_mount(mountinfo, [&](const MountLine& line) {
    if (std::find(mounts.begin(), mounts.end(), line.number) == mounts.end()) return;
    ++found.found;
    found.idmapped |= line.has_option("idmapped");
  });
  return found;
}

std::optional<NamespaceInode> mounted_namespace(const MountLine& line, std::string_view kind) {
  const std::string_view root = line.root;
  if (line.type != "nsfs" || !root.starts_with(kind) || !root.ends_with(']')) return std::nullopt;
  if (root.substr(kind.size(), 2) != ":[") return std::nullopt;
  const std::size_t start = kind.size() + 2;
  return to_number<NamespaceInode>(root.substr(start, root.size() - start - 1));
}

}  // namespace sockward
