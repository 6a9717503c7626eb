#include "launch/identity.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/printable.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

/// The value of the variable; nullopt: it is not set.
std::optional<std::string> value_of(const Environment& environment, std::string_view name) {
  for (const std::string& entry : environment)
    if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return std::nullopt;
}

std::optional<std::uint32_t> id_in(const Environment& environment, const char* name) {
  const auto text = value_of(environment, name);
  if (!text) return std::nullopt;
  const auto id = parse_id(*text);
  if (!id)
    throw usage_error(
        fmt::format("{}=\"{}\" is not an id: cannot tell who runs the command", name, printable(*text).text),
        fmt::format("unset {}, or run the command as root with --as-root", name));
  return id;
}

struct Account {
  gid_t gid = 0;
  std::string name, home, shell;
};

std::optional<Account> account_of(uid_t uid) {
  std::vector<char> buffer(1 << 16);
  passwd entry{}, *found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return Account{.gid = entry.pw_gid, .name = entry.pw_name, .home = entry.pw_dir, .shell = entry.pw_shell};
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  std::vector<gid_t> groups(64);
  for (int round = 0; round < 2; ++round) {
    int count = static_cast<int>(groups.size());
    const bool all = getgrouplist(name.c_str(), gid, groups.data(), &count) >= 0;
    groups.resize(static_cast<std::size_t>(std::max(count, 1)));
    if (all) return groups;
  }
  return {gid};  // fewer rights than the user has, never more
}

}  // namespace

Environment own_environment() {
  Environment all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (id == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return id;
}

std::optional<Identity> invoking_user(const Environment& environment) {
  if (geteuid() != 0) return std::nullopt;
  const auto uid = id_in(environment, "SUDO_UID"), gid = id_in(environment, "SUDO_GID");
  if (!uid || *uid == 0) return std::nullopt;
  const auto account = account_of(*uid);
  if (!account && !gid)
    throw usage_error(fmt::format("user {} is unknown here, and SUDO_GID is not set", *uid),
                      "set SUDO_GID, or run the command as root with --as-root");
  Identity identity{.uid = *uid, .gid = gid.value_or(account ? account->gid : 0), .groups = {}};
  identity.groups = account ? groups_of(account->name, identity.gid) : std::vector{identity.gid};
  if (account) {
    identity.name = account->name;
    identity.home = account->home;
    identity.shell = account->shell;
  }
  return identity;
}

Environment environment_of(const Identity& identity, const Environment& own) {
  static constexpr std::array<std::string_view, 5> kPersonal = {"HOME", "USER", "LOGNAME", "SHELL", "MAIL"};
  Environment result;
  for (const std::string& entry : own) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (name.starts_with("SUDO_") || std::find(kPersonal.begin(), kPersonal.end(), name) != kPersonal.end())
      continue;
    result.push_back(entry);
  }
  result.push_back("HOME=" + (identity.home.empty() ? "/" : identity.home));
  if (identity.name.empty()) return result;
  for (const char* name : {"USER=", "LOGNAME="}) result.push_back(name + identity.name);
  if (value_of(own, "MAIL")) result.push_back("MAIL=/var/mail/" + identity.name);
  if (!identity.shell.empty()) result.push_back("SHELL=" + identity.shell);
  return result;
}

}  // namespace sockward
