#include "enrich/socket_walks.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kShared = 100'000'000;  // ns

Error invisible() {
  return make_error(std::errc::function_not_supported, "walk over open sockets");
}

}  // namespace

SocketWalks::SocketWalks(const BoundSockets* sockets, const Clock& clock) : sockets_(sockets), clock_(clock) {
  if (auto scan = walk()) first_ = std::move(*scan);
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::walk() const {
  if (sockets_ == nullptr) return invisible();
  auto scan = std::make_shared<SocketScan>();
  scan->began = clock_.monotonic();
  scan->began_wall = clock_.wall(scan->began);
  auto found = sockets_->walk();
  if (!found) return found.error();
  scan->sockets = std::move(*found);
  return std::shared_ptr<const SocketScan>(std::move(scan));
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::after(MonotonicTime time, bool shared) const {
  const std::lock_guard lock(mutex_);
  if (latest_ && (latest_->began > time || (shared && latest_->began.ns + kShared > clock_.monotonic().ns)))
    return latest_;
  auto scan = walk();
  if (scan) latest_ = *scan;
  return scan;
}

Result<std::shared_ptr<const SocketScan>> SocketWalks::first() const {
  if (!first_) return invisible();
  return first_;
}

std::optional<SocketOwner> SocketWalks::binder(const BoundName& name) const {
  return sockets_ == nullptr ? std::nullopt : sockets_->binder(name);
}

}  // namespace sockward
