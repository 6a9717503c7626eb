// ENOENT and ENOTDIR: a component of the path does not exist, or is no directory.
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/file_time.hpp"
#include "diagnose/rules.hpp"
#include "diagnose/served.hpp"

namespace sockward::rules {
namespace {

/// Sockets that have, or had, this name: still served without a file, or served elsewhere under the same last
/// name.
void add_servers(const Facts& facts, const std::string& path, Finding& found) {
  const ScanFact& scan = facts.scan();
  if (!scan.scan) return;
  const std::string name = last_component_of(path);
  bool mentioned = false;
  for (const OpenSocket& socket : scan.scan->sockets) {
    if (socket.name.kind != BoundName::Kind::path || !serves(socket)) continue;
    if (socket.path == path && socket.links == 0) {
      found.holder = to_holder(socket.owner);
      found.note(owner_text(socket.owner) +
                 " still serves a socket that had this name: its file was removed");
      found.advice =
          fmt::format("restart pid {} so that it creates its socket file again; find out what removed it",
                      socket.owner.process.tgid);
      return;
    }
    if (last_component_of(socket.path) == name && socket.links != 0 && !mentioned) {
      mentioned = true;
      found.note(fmt::format("a socket of the same file name is served elsewhere: {}, by {}",
                             printable(socket.path).text, owner_text(socket.owner)));
    }
  }
}

/// The first component that was made after the call. Where something is missing now, only one that was surely
/// made since is more telling; where a file was in the way (ENOTDIR) something has taken its place.
const PathStep* first_made_since(const Facts& facts, const PathTrace& trace) {
  const bool replaced = facts.event.error() == ENOTDIR && !trace.missing_is_file;
  const bool all_there = !trace.missing && (trace.object || facts.event.syscall == Syscall::bind);
  const bool sure = !replaced && !all_there;
  const auto made_since = [&](const PathStep& step) {
    if (!step.object.born) return false;
    return sure ? *step.object.born > facts.call_time() : may_be_after(*step.object.born, facts.call_time());
  };
  for (const PathStep& step : trace.searched)
    if (made_since(step)) return &step;
  return trace.object && made_since(*trace.object) ? &*trace.object : nullptr;
}

/// There by now, but made after the call: the error itself says that something was missing then.
Finding made_since(const Facts& facts, const PathStep& step) {
  const double after = static_cast<double>(step.object.born->ns - facts.call_time().ns) / 1e6;
  const std::string path = printable(step.path).text;
  return {.cause = Cause::path_missing,
          .evidence = {{after > 0 ? fmt::format("{} was made {:.1f} ms after the call", path, after)
                                  : path + " was made at about the time of the call"}},
          .alternative = "that it was missing, or not a directory, is inferred: it was made after the call",
          .advice =
              "start the client after the server (systemd: After= and Requires=, or a socket unit), create "
              "directories before the program starts, or let it retry"};
}

std::string missing_text(const PathTrace& trace, const std::string& path) {
  if (!trace.missing) return printable(path).text + " does not exist";
  const std::string name = printable(*trace.missing).text;
  return trace.missing_is_file ? name + " is not a directory" : name + " does not exist";
}

/// Is nothing missing but a directory with the very name that the socket should have?
bool is_name_with_slash(const PathTrace& trace, const std::string& path) {
  return path.ends_with('/') && trace.missing && !trace.searched.empty() &&
         folder_of(*trace.missing) == trace.searched.back().path &&
         last_component_of(*trace.missing) ==
             last_component_of(path.substr(0, path.find_last_not_of('/') + 1));
}

}  // namespace

std::optional<Finding> path_missing(const Facts& facts) {
  const int error = facts.event.error();
  if (!facts.is_unix_path() || (error != ENOENT && error != ENOTDIR)) return std::nullopt;
  const PathFacts& way = facts.way();
  if (!way.path) return std::nullopt;
  if (!way.known())
    return Finding{
        .cause = Cause::path_missing,
        .evidence = {{printable(*way.path).text + " did not lead to a file (the error says so)"}},
        .alternative = "which component was missing is not visible: " + way.obstacle,
        .advice = "check the path as the program sees it (its root directory and mount namespace)"};
  // The more telling causes.
  if (served_in_other_namespace(facts) || no_sockets_on_filesystem(facts)) return std::nullopt;
  const bool bind = facts.event.syscall == Syscall::bind;
  if (const PathStep* made = facts.asked_now() ? nullptr : first_made_since(facts, way.trace))
    return made_since(facts, *made);
  if (!way.trace.missing && (way.trace.object || bind))
    return Finding{
        .cause = Cause::path_missing,
        .evidence = {{"a component of the path was missing (the error says so)"}},
        .alternative = "every component of it exists now",
        .advice = "create the directory before the program starts; start the client after the server"};
  Finding found{.cause = Cause::path_missing,
                .evidence = {{missing_text(way.trace, *way.path), way.absence}}};
  if ((error == ENOTDIR) != way.trace.missing_is_file)
    found.alternative = "the error says something else: what is missing now may have been there";
  const bool directory = way.trace.missing.has_value();
  found.advice = way.trace.missing_is_file ? "correct the path: there is a file where a directory is needed"
                 : bind && is_name_with_slash(way.trace, *way.path)
                     ? "remove the slash at the end of the path: only the name of a directory may have one"
                 : directory ? "create the directory before the program starts (systemd: RuntimeDirectory=; "
                               "tmpfiles.d), or correct the path"
                             : "start the server, or correct the path";
  if (!bind) add_servers(facts, *way.path, found);
  return found;
}

}  // namespace sockward::rules
