#include "diagnose/path_facts.hpp"

#include <fmt/format.h>

#include <map>

#include "base/printable.hpp"
#include "diagnose/facts.hpp"
#include "diagnose/file_time.hpp"

namespace sockward {
namespace {

std::string folder_of_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// What has to hold for anything that is looked up along the path to say something about the call.
Standing whole_view(const Facts& facts, const PathTrace& trace) {
  if (facts.asked_now()) return Standing::unchanged();
  if (facts.to_peer())
    return Standing::later("the path is the one that the peer was bound to, which may see other files");
  if (!trace.callers_view)
    return Standing::later("it was looked up through another root or mount namespace than the caller's");
  if (trace.remote) return Standing::later("the file system is served by another host or program");
  return facts.clock() && facts.mounts();
}

/// A name leads to the same inode if the directory or the inode was not changed since.
Standing same_entry(const Facts& facts, const PathStep* directory, const PathStep& child) {
  Standing of_child = unchanged_since_call(facts, child);
  if (of_child.proven() || directory == nullptr) return of_child;
  Standing of_directory = unchanged_since_call(facts, *directory);
  return of_directory.proven() ? of_directory : of_child;
}

class Chain {
 public:
  Chain(const Facts& facts, PathFacts& way) : facts_(facts), way_(way) {}

  void judge() {
    const PathTrace& trace = way_.trace;
    Standing so_far = whole_view(facts_, trace);
    for (const PathStep& step : trace.searched) directories_.try_emplace(step.path, &step);
    for (const PathStep& link : trace.links) links_ = links_ && same_entry(facts_, directory_of(link), link);
    so_far = so_far && links_;
    for (const PathStep& step : trace.searched) {
      if (step.path != "/") so_far = so_far && same_entry(facts_, directory_of(step), step);
      way_.leads_to.push_back(so_far);
      way_.as_it_is.push_back(so_far && unchanged_since_call(facts_, step));
    }
    judge_end(so_far);
    note_moves();
  }

 private:
  const PathStep* directory_of(const PathStep& step) const {
    const auto found = directories_.find(folder_of_path(step.path));
    return found == directories_.end() ? nullptr : found->second;
  }

  /// What may have been put where it is after the call. Directories change for many reasons: one counts only
  /// when it is not a name in it that was changed, and when its own name may be new.
  void note_moves() {
    if (facts_.asked_now()) return;
    const WallTime call = facts_.call_time();
    for (const PathStep& link : way_.trace.links)
      if (link.object.exact_times && may_be_after(link.object.changed, call)) return note_move(link);
    for (const PathStep& step : way_.trace.searched)
      if (step.object.exact_times && step.object.changed > call &&
          step.object.modified < step.object.changed && step.path != "/" &&
          !same_entry(facts_, directory_of(step), step).proven())
        return note_move(step);
    const auto& object = way_.trace.object;
    if (object && object->object.exact_times && may_be_after(object->object.changed, call) &&
        !way_.object_is.proven())
      note_move(*object);
  }
  void note_move(const PathStep& step) {
    const double after = static_cast<double>(step.object.changed.ns - facts_.call_time().ns) / 1e6;
    const std::string path = printable(step.path).text;
    way_.moved = after > 0 ? fmt::format("{} was changed {:.1f} ms after the call", path, after)
                           : path + " was changed at about the time of the call";
  }

  void judge_end(const Standing& so_far) {
    const PathTrace& trace = way_.trace;
    if (trace.searched.empty()) {
      way_.object_is = way_.object_as_it_is = way_.absence = Standing::later("nothing was looked up");
      return;
    }
    const PathStep& last = trace.searched.back();
    way_.absence = so_far && unchanged_since_call(facts_, last);
    if (!trace.object) return;
    way_.object_is = so_far && same_entry(facts_, &last, *trace.object);
    way_.object_as_it_is = so_far && unchanged_since_call(facts_, *trace.object);
  }

  const Facts& facts_;
  PathFacts& way_;
  std::map<std::string, const PathStep*> directories_;
  Standing links_ = Standing::unchanged();
};

}  // namespace

Standing PathFacts::allowed_before(std::size_t directory) const {
  Standing all = Standing::unchanged();
  for (std::size_t i = 0; i < directory && i < as_it_is.size(); ++i) all = all && as_it_is[i];
  return all;
}

Standing unchanged_since_call(const Facts& facts, const PathStep& step) {
  if (facts.asked_now()) return Standing::unchanged();
  const std::string path = printable(step.path).text;
  if (!step.object.exact_times)
    return Standing::later(path + " is on a file system without exact change times");
  const WallTime call = facts.call_time();
  if (surely_before(step.object.changed, call)) return Standing::unchanged();
  const double after = static_cast<double>(step.object.changed.ns - call.ns) / 1e6;
  if (after > 0) return Standing::later(fmt::format("{} was changed {:.1f} ms after the call", path, after));
  return Standing::later(path + " was changed at about the time of the call");
}

bool attributes_changed_after_call(const Facts& facts, const PathObject& object) {
  return object.exact_times && may_be_after(object.changed, facts.call_time()) &&
         object.modified < object.changed;
}

PathFacts look_along_path(const Facts& facts, const PathView& paths, bool follow) {
  PathFacts way{.path = resolved_path(facts.event), .obstacle = {}, .trace = {}};
  if (!way.path) {
    way.obstacle = "the path could not be made absolute";
    return way;
  }
  auto trace = paths.trace_path(facts.event, *way.path, follow);
  if (!trace) {
    way.obstacle = trace.error().text();
    way.skipped = trace.error().code == std::errc::resource_unavailable_try_again;
    return way;
  }
  way.trace = std::move(*trace);
  Chain(facts, way).judge();
  return way;
}

}  // namespace sockward
