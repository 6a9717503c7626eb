#include "enrich/socket_walks.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kShared = 100'000'000;  // ns
constexpr std::size_t kKept = 4;

Error invisible() {
  return make_error(std::errc::function_not_supported, "scan open sockets");
}

}  // namespace

SocketWalks::SocketWalks(const BoundSockets* sockets, const Clock& clock, DutyLimit& limit,
                         std::size_t most_bytes)
    : sockets_(sockets), clock_(clock), limit_(limit), most_bytes_(most_bytes) {
  if (auto scan = walk()) first_ = std::move(*scan);
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::walk() const {
  if (sockets_ == nullptr) return invisible();
  auto scan = std::make_shared<SocketScan>();
  scan->began = clock_.monotonic();
  scan->began_wall = clock_.wall(scan->began);
  scan->sockets = SocketList(most_bytes_);
  if (const auto walked = sockets_->walk(scan->sockets); !walked) return walked.error();
  scan->sockets.finish();
  left_out_ += scan->sockets.left_out();
  scan->ended = clock_.monotonic();
  limit_.ended(scan->began);
  return std::shared_ptr<const SocketScan>(std::move(scan));
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::keep() const {
  if (!limit_.may_begin()) return budget_exhausted("scan open sockets");
  auto scan = walk();
  if (!scan) return scan;
  walks_.push_back(*scan);
  std::size_t bytes = 0;
  for (const auto& walk : walks_) bytes += walk->sockets.bytes();
  while (walks_.size() > kKept || (walks_.size() > 1 && bytes > 2 * most_bytes_)) {
    bytes -= walks_.front()->sockets.bytes();
    walks_.pop_front();
  }
  return scan;
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::after(MonotonicTime time, bool shared) const {
  const std::lock_guard lock(mutex_);
  const auto& latest = walks_.empty() ? first_ : walks_.back();
  if (latest && (latest->began > time || (shared && latest->began.ns + kShared > clock_.monotonic().ns)))
    return latest;
  auto scan = keep();
  const bool refused = !scan && scan.error().code == std::errc::resource_unavailable_try_again;
  if (refused && shared && latest) return latest;
  return scan;
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::before(MonotonicTime time) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(walks_.rbegin(), walks_.rend(), [&](const auto& scan) { return scan->ended < time; });
  if (found != walks_.rend()) return *found;
  if (!first_ || first_->ended >= time)
    return make_error(std::errc::function_not_supported, "find a scan of open sockets from before the call");
  return first_;
}

Result<bool> SocketWalks::note_released() const {
  if (sockets_ == nullptr) return make_error(std::errc::function_not_supported, "note released sockets");
  if (!limit_.may_begin()) return budget_exhausted("note released sockets");
  const DutyLimit::Use use(limit_, clock_);
  return sockets_->note_released();
}

void SocketWalks::look_around() const {
  // Before the scan: a socket that it finds was not released by then.
  const auto noted = note_released();
  if (!noted) log_debug("{}", noted.error().text());
  if (!noted && noted.error().code == std::errc::resource_unavailable_try_again) return;
  const std::lock_guard lock(mutex_);
  if (const auto scan = keep(); !scan) log_debug("{}", scan.error().text());
}

std::optional<SocketOwner> SocketWalks::binder(const BoundName& name) const {
  return sockets_ == nullptr ? std::nullopt : sockets_->binder(name);
}

}  // namespace sockward
