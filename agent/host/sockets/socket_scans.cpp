#include "host/sockets/socket_scans.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::uint64_t kShared = 100'000'000;  // ns
constexpr std::size_t kKept = 4, kKeptFiltered = 64;
constexpr std::uint64_t kLong = 50'000'000;  // ns, of a scan of all sockets

Error invisible() {
  return make_error(std::errc::function_not_supported, "scan open sockets");
}

}  // namespace

SocketScans::SocketScans(const BoundSockets* sockets, const Clock& clock, CpuBudget& limit,
                         std::size_t most_bytes)
    : sockets_(sockets), clock_(clock), limit_(limit), most_bytes_(most_bytes) {
  if (auto scan = make_scan({})) first_ = std::move(*scan);
}

Result<std::shared_ptr<const SocketScan>> SocketScans::make_scan(const SocketFilter& filter) const {
  if (sockets_ == nullptr) return invisible();
  auto scan = std::make_shared<SocketScan>();
  scan->began = clock_.monotonic();
  scan->began_wall = clock_.wall(scan->began);
  scan->sockets = SocketList(most_bytes_);
  scan->filter = filter;
  if (const auto done = sockets_->scan_for(filter, scan->sockets); !done) return done.error();
  scan->sockets.finish();
  left_out_ += scan->sockets.left_out();
  scan->ended = clock_.monotonic();
  limit_.ended(scan->began);
  log_debug("scan of {} sockets: {:.1f} ms, {} found, {} left out", filter.everything ? "all" : "some",
            static_cast<double>(scan->ended.ns - scan->began.ns) / 1e6, scan->sockets.size(),
            scan->sockets.left_out());
  if (filter.everything) crowded_ = scan->sockets.left_out() != 0 || scan->ended.ns - scan->began.ns > kLong;
  return std::shared_ptr<const SocketScan>(std::move(scan));
}

Result<std::shared_ptr<const SocketScan>> SocketScans::keep(const SocketFilter& filter) const {
  if (!limit_.may_begin()) return budget_exhausted("scan open sockets");
  auto scan = make_scan(crowded_ ? filter : SocketFilter{});
  if (!scan) return scan;
  scans_.push_back(*scan);
  std::size_t bytes = 0;
  for (const auto& kept : scans_) bytes += kept->sockets.bytes();
  const std::size_t most = crowded_ ? kKeptFiltered : kKept;
  while (scans_.size() > most || (scans_.size() > 1 && bytes > 2 * most_bytes_)) {
    bytes -= scans_.front()->sockets.bytes();
    scans_.pop_front();
  }
  return scan;
}

Result<std::shared_ptr<const SocketScan>> SocketScans::scan_after(MonotonicTime time, Scan scan,
                                                                  const SocketFilter& filter) const {
  const bool shared = scan == Scan::shared;
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(scans_.rbegin(), scans_.rend(),
                                  [&](const auto& kept) { return kept->filter.covers(filter); });
  const auto latest = found != scans_.rend() ? *found : first_;
  if (latest && (latest->began > time || (shared && latest->began.ns + kShared > clock_.monotonic().ns)))
    return latest;
  auto made = keep(filter);
  const bool refused = !made && made.error().code == std::errc::resource_unavailable_try_again;
  if (refused && shared && latest) return latest;
  return made;
}

Result<std::shared_ptr<const SocketScan>> SocketScans::scan_before(MonotonicTime time,
                                                                   const SocketFilter& filter) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(scans_.rbegin(), scans_.rend(), [&](const auto& scan) {
    return scan->ended < time && scan->filter.covers(filter);
  });
  if (found != scans_.rend()) return *found;
  if (!first_ || first_->ended >= time)
    return make_error(std::errc::function_not_supported, "find a scan of open sockets from before the call");
  return first_;
}

Result<bool> SocketScans::note_released() const {
  if (sockets_ == nullptr) return make_error(std::errc::function_not_supported, "note released sockets");
  if (!limit_.may_begin()) return budget_exhausted("note released sockets");
  const CpuBudget::Use use(limit_, clock_);
  return sockets_->note_released();
}

void SocketScans::refresh() const {
  // Before the scan: a socket that it finds was not released by then.
  const auto noted = note_released();
  if (!noted) log_debug("{}", noted.error().text());
  if (!noted && noted.error().code == std::errc::resource_unavailable_try_again) return;
  const std::lock_guard lock(mutex_);
  const SocketFilter files{.everything = false, .paths = true};
  if (const auto scan = keep(files); !scan) log_debug("{}", scan.error().text());
}

std::optional<OpenSocket> SocketScans::still_held(const OpenSocket& known) const {
  return crowded_ ? sockets_->still_held(known) : std::nullopt;
}

std::optional<SocketOwner> SocketScans::binder(const BoundName& name) const {
  return sockets_ == nullptr ? std::nullopt : sockets_->binder(name);
}

}  // namespace sockward
