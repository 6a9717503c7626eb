#include "probe/pins.hpp"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sockward/counters.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/log.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"
#include "probe/embedded_object.hpp"

namespace sockward {
namespace {

namespace fs = std::filesystem;

constexpr long kBpfFsMagic = 0xcafe4a11;  // BPF_FS_MAGIC, include/uapi/linux/magic.h
constexpr std::string_view kGeneration = "generation-";
constexpr const char* kBeginAnew =
    "run `sockward detach` to start over, or choose another --restart.pin-path";

bool is_bpffs(const std::string& path) {
  struct statfs about {};
  return statfs(path.c_str(), &about) == 0 && static_cast<long>(about.f_type) == kBpfFsMagic;
}

/// bpffs, or a place where it can be mounted?
std::optional<std::string> parent_obstacle(const std::string& parent) {
  std::error_code error;
  if (is_bpffs(parent) || fs::is_empty(parent, error)) return std::nullopt;
  return parent + (error ? ": " + error.message() : " is no bpf file system and no empty directory");
}

/// Makes `path` a folder of bpffs of mode 0700.
Result<bool> make_folder(const std::string& path) {
  const std::string parent = fs::path(path).parent_path();
  if (!is_bpffs(parent)) {
    if (const auto obstacle = parent_obstacle(parent)) return make_error(std::errc::not_supported, *obstacle);
    if (mount("bpf", parent.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
      return last_error("mount a bpf file system at " + parent);
    log_info("mounted a bpf file system at {}", parent);
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return last_error("make " + path);
  return true;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) names.push_back(entry.path().filename());
  return names;
}

Result<bool> pin(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0) return last_error("pin " + path);
  return true;
}

FileDescriptor pinned(const std::string& path) {
  return FileDescriptor(bpf_obj_get(path.c_str()));
}

bpf_prog_info info_of_program(int fd) {
  bpf_prog_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return {};
  return info;
}

StartupError foreign(const std::string& path, const std::string& why) {
  return failure(path + ": " + why, kBeginAnew);
}

std::optional<PinIdentity> read_identity(const std::string& path) {
  constexpr std::size_t kSameInAllVersions = 14;  // "sockward pins "
  const FileDescriptor map = pinned(path);
  if (!map.valid()) return std::nullopt;
  bpf_map_info info{};
  __u32 size = sizeof(info);
  PinIdentity identity;
  PinIdentity::Head& head = identity.head;
  if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0 || info.value_size < sizeof(head))
    throw foreign(path, "was not pinned by sockward");
  std::vector<std::byte> value(info.value_size);
  const __u32 first = 0;
  if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(first) ||
      bpf_map_lookup_elem(map.get(), &first, value.data()) != 0 ||
      std::memcmp(value.data(), PinIdentity::kMagic, kSameInAllVersions) != 0)
    throw foreign(path, "was not pinned by sockward");
  const auto has_magic = [&](const auto& magic) {
    return std::memcmp(value.data(), magic, sizeof(magic)) == 0;
  };
  const bool layout_told = has_magic(PinIdentity::kMagic);
  if (!layout_told && !has_magic(PinIdentity::kMagicWithoutLayout)) return identity;
  std::size_t at = 0;
  const auto take = [&](void* into, std::size_t bytes) {
    if (value.size() - at < bytes) throw foreign(path, "is shorter than it says");
    std::memcpy(into, value.data() + at, bytes);
    at += bytes;
  };
  take(&head, sizeof(head));
  if (layout_told) take(&identity.hand_over, sizeof(identity.hand_over));
  if (head.programs > value.size() || head.layout_bytes > value.size())
    throw foreign(path, "is shorter than it says");
  identity.programs.resize(head.programs);
  take(identity.programs.data(), head.programs * sizeof(PinIdentity::Program));
  if (layout_told) {
    identity.layout.resize(head.layout_bytes);
    take(identity.layout.data(), head.layout_bytes);
  } else if (head.counters_version == 3) {
    identity.layout = kLayoutOfVersion3;
  }
  return identity;
}

Result<bool> pin_identity(const PinIdentity& identity, const std::string& path) {
  std::vector<std::byte> value;
  const auto add = [&](const void* from, std::size_t bytes) {
    const auto* const first = static_cast<const std::byte*>(from);
    value.insert(value.end(), first, first + bytes);
  };
  add(&identity.head, sizeof(identity.head));
  add(&identity.hand_over, sizeof(identity.hand_over));
  add(identity.programs.data(), identity.programs.size() * sizeof(PinIdentity::Program));
  add(identity.layout.data(), identity.layout.size());
  const FileDescriptor map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sockward_pins", sizeof(__u32),
                                          static_cast<__u32>(value.size()), 1, nullptr));
  const __u32 first = 0;
  if (!map.valid() || bpf_map_update_elem(map.get(), &first, value.data(), BPF_ANY) != 0)
    return last_error("write the identity of the pins");
  return pin(map.get(), path);
}

/// The pinned program and its link, if they are what the identity says.
void read_program(const std::string& folder, const PinIdentity::Program& recorded, KernelSide& side) {
  const std::string name(recorded.name, strnlen(recorded.name, sizeof(recorded.name)));
  FileDescriptor program = pinned(fmt::format("{}/programs/{}", folder, name));
  const std::string link_path = fmt::format("{}/links/{}", folder, name);
  Link link(bpf_link__open(link_path.c_str()));
  const bpf_prog_info info = program.valid() ? info_of_program(program.get()) : bpf_prog_info{};
  if (!program.valid() || !link || std::memcmp(info.tag, recorded.tag, sizeof(recorded.tag)) != 0)
    throw foreign(link_path, "is missing, or holds another program than the one that was pinned");
  bpf_link_info about{};
  __u32 size = sizeof(about);
  if (bpf_obj_get_info_by_fd(bpf_link__fd(link.get()), &about, &size) != 0 || about.prog_id != info.id)
    throw foreign(link_path, "holds another program than the one that was pinned");
  side.programs.push_back({name, std::move(program)});
  side.attachments.push_back({name, std::move(link)});
}

}  // namespace

std::string lock_holder(const std::string& path) {
  struct stat folder {};
  std::ifstream locks("/proc/locks");
  if (stat(path.c_str(), &folder) != 0) return "another process";
  const std::string inode = ":" + std::to_string(folder.st_ino) + " ";
  for (std::string line; std::getline(locks, line);) {
    if (line.find("FLOCK") == std::string::npos || line.find(inode) == std::string::npos) continue;
    std::istringstream words(line);
    std::string number, kind, strength, mode, pid, comm;
    words >> number >> kind >> strength >> mode >> pid;
    std::getline(std::ifstream("/proc/" + pid + "/comm"), comm);
    return fmt::format("{}[{}]", printable(comm).text, pid);
  }
  return "another process";
}

std::optional<std::string> PinFolder::obstacle(const std::string& path) {
  return parent_obstacle(fs::path(path).parent_path());
}

Result<PinFolder> PinFolder::open(const std::string& path) {
  if (auto made = make_folder(path); !made) return made.error();
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return last_error("open " + path);
  struct stat about {};
  if (fstat(folder.get(), &about) != 0) return last_error("look at " + path);
  if (about.st_uid != geteuid() || (about.st_mode & 0777) != 0700)
    throw foreign(path,
                  fmt::format("belongs to user {} and has mode {:04o}; pins are taken only from a folder of "
                              "one's own with mode 0700",
                              about.st_uid, about.st_mode & 07777));
  if (!is_bpffs(path)) return make_error(std::errc::not_supported, path + " lies on no bpf file system");
  if (flock(folder.get(), LOCK_EX | LOCK_NB) != 0)
    throw failure(fmt::format("{} already observes this node (it has {})", lock_holder(path), path),
                  "stop it first; to run a second agent beside it, give this one another --restart.pin-path");
  return PinFolder(path, std::move(folder));
}

std::string PinFolder::folder_of(std::uint32_t generation) const {
  return path_ + "/" + std::string(kGeneration) + std::to_string(generation);
}

std::vector<std::uint32_t> PinFolder::generations() const {
  std::vector<std::uint32_t> found;
  for (const std::string& name : names_in(path_)) {
    std::uint32_t number = 0;
    const char* end = name.data() + name.size();
    if (name.starts_with(kGeneration) &&
        std::from_chars(name.data() + kGeneration.size(), end, number).ptr == end)
      found.push_back(number);
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

std::optional<Pinned> PinFolder::read(std::uint32_t generation) const {
  const std::string folder = folder_of(generation);
  const auto identity = read_identity(folder + "/identity");
  if (!identity) return std::nullopt;
  Pinned result{.identity = *identity, .layout = parse_layout(identity->layout), .side = {}};
  result.side.generation = result.identity.head.generation = generation;
  result.side.active_offset = identity->hand_over.active_offset;
  for (const std::string& name : names_in(folder + "/maps"))
    if (auto map = pinned(fmt::format("{}/maps/{}", folder, name)); map.valid())
      result.side.maps[name] = std::move(map);
  for (const auto& program : identity->programs) read_program(folder, program, result.side);
  return result;
}

std::optional<Pinned> PinFolder::read() const {
  for (const std::uint32_t generation : generations()) {
    if (auto complete = read(generation)) return complete;
    const std::string folder = folder_of(generation);
    log_warn("{} is incomplete: an agent was interrupted while pinning or removing it; removing it", folder);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  return std::nullopt;
}

Result<bool> PinFolder::store(const KernelSide& side, const PinIdentity& identity) const {
  const std::string folder = folder_of(side.generation);
  const auto pin_everything = [&]() -> Result<bool> {
    for (const std::string& name : {folder, folder + "/maps", folder + "/programs", folder + "/links"})
      if (mkdir(name.c_str(), 0700) != 0) return last_error("make " + name);
    for (const auto& [name, fd] : side.maps)
      if (auto done = pin(fd.get(), fmt::format("{}/maps/{}", folder, name)); !done) return done;
    for (const auto& [name, fd] : side.programs)
      if (auto done = pin(fd.get(), fmt::format("{}/programs/{}", folder, name)); !done) return done;
    for (const auto& [name, link] : side.attachments)
      if (auto done = pin(bpf_link__fd(link.get()), fmt::format("{}/links/{}", folder, name)); !done)
        return done;
    return pin_identity(identity, folder + "/identity");
  };
  auto done = pin_everything();
  if (!done) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  return done;
}

std::size_t PinFolder::count_links() const {
  std::size_t links = 0;
  for (const std::uint32_t generation : generations())
    links += names_in(folder_of(generation) + "/links").size();
  return links;
}

Result<bool> PinFolder::remove_all_but(std::uint32_t generation) const {
  Result<bool> result = true;
  std::error_code ignored;
  for (const std::uint32_t other : generations()) {
    if (other == generation) continue;
    const std::string folder = folder_of(other), identity = folder + "/identity";
    if (unlink(identity.c_str()) != 0 && errno != ENOENT) result = last_error("remove " + identity);
    fs::remove_all(folder, ignored);
  }
  fs::remove_all(path_ + "/maps", ignored);  // of "sockward pins 1", whose generations shared them
  if (generation == 0) rmdir(path_.c_str());
  return result;
}

PinIdentity identity_of(const KernelSide& side, const sockward_settings& settings,
                        std::uint64_t object_hash) {
  PinIdentity identity;
  std::memcpy(identity.head.magic, PinIdentity::kMagic, sizeof(identity.head.magic));
  identity.head.counters_version = SOCKWARD_COUNTERS_VERSION;
  identity.head.generation = side.generation;
  identity.head.object_hash = object_hash;
  identity.hand_over.active_offset = side.active_offset;
  identity.layout = to_text(own_layout());
  identity.head.layout_bytes = static_cast<std::uint32_t>(identity.layout.size());
  sockward_settings told = settings;
  told.generation = 0;
  told.active_offset = 0;
  identity.head.settings_hash = hash_of(&told, sizeof(told));
  // Programs that are loaded but could not be attached have no link to be adopted by.
  for (const auto& attachment : side.attachments) {
    const auto program = std::find_if(side.programs.begin(), side.programs.end(),
                                      [&](const auto& one) { return one.name == attachment.program; });
    if (program == side.programs.end()) continue;
    auto& recorded = identity.programs.emplace_back();
    attachment.program.copy(recorded.name, sizeof(recorded.name) - 1);
    std::memcpy(recorded.tag, info_of_program(program->fd.get()).tag, sizeof(recorded.tag));
  }
  identity.head.programs = static_cast<std::uint32_t>(identity.programs.size());
  return identity;
}

bool may_adopt(const PinIdentity& pinned, const PinIdentity& wanted) {
  return pinned.head.counters_version == wanted.head.counters_version &&
         pinned.head.object_hash == wanted.head.object_hash &&
         pinned.head.settings_hash == wanted.head.settings_hash;
}

}  // namespace sockward
