// Ways along a path with owners and modes, and a user without privileges who takes them.
#pragma once
#include "support/fixtures.hpp"

namespace sockward::test {

inline PathStep directory(const std::string& path, std::uint32_t mode, std::uint32_t uid = 0,
                          std::uint32_t gid = 0) {
  return {.path = path,
          .object = {.kind = PathObject::Kind::directory,
                     .uid = uid,
                     .gid = gid,
                     .mode = mode,
                     .changed = {1},
                     .exact_times = true}};
}

inline PathStep socket_step(std::uint32_t mode, std::uint32_t uid = 0, std::uint32_t gid = 0) {
  return {.path = "/run/app/x",
          .object = {.kind = PathObject::Kind::socket,
                     .uid = uid,
                     .gid = gid,
                     .mode = mode,
                     .changed = {1},
                     .exact_times = true}};
}

inline PathStep link(const std::string& path) {
  return {.path = path, .object = {.kind = PathObject::Kind::symlink, .changed = {1}, .exact_times = true}};
}

/// To /run/app, which has this mode and owner, and to what lies in it.
inline PathTrace trace_of(std::uint32_t app_mode, std::optional<PathStep> object = {},
                          std::uint32_t app_uid = 0, std::uint32_t app_gid = 0) {
  return {.searched = {directory("/", 0755), directory("/run", 0755),
                       directory("/run/app", app_mode, app_uid, app_gid)},
          .object = std::move(object),
          .links = {},
          .missing = {},
          .callers_view = true};
}

inline const Credentials kUser{.fsuid = 998, .fsgid = 998, .groups = {100}};

/// The record has the groups of kUser.
inline Event with_groups(Event event) {
  event.actor.fsgid = 998;
  event.actor.groups = {100};
  return event;
}

/// Calls of kUser on /run/app/x that were denied.
class PermissionTest : public DiagnosisTest {
 protected:
  PermissionTest() { host.caller = kUser; }
  const Event bind = with_groups(path_bind(EACCES));
  const Event connect = with_groups(path_connect(EACCES));
};

}  // namespace sockward::test
