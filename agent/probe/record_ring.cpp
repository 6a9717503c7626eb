#include "probe/record_ring.hpp"

#include <bpf/libbpf.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <thread>

#include "base/startup_error.hpp"

namespace sockward {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRest{1};
constexpr std::chrono::seconds kLongestEnd{1};

}  // namespace

RecordRing::RecordRing(Rings rings, RecordHandler& handler)
    : handler_(handler),
      ring_(ring_buffer__new(rings.current, on_sample, this, nullptr)),
      previous_(rings.previous.valid() ? ring_buffer__new(rings.previous.get(), on_sample, this, nullptr)
                                       : nullptr),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ring_ || !wake_.valid() || (rings.previous.valid() && !previous_))
    throw failure(last_error("open the ring buffer").text(), "raise the limits on memory and open files");
}

RecordRing::~RecordRing() = default;

void RecordRing::Free::operator()(ring_buffer* ring) const noexcept {
  ring_buffer__free(ring);
}

int RecordRing::on_sample(void* self, void* data, std::size_t size) noexcept {
  auto& ring = *static_cast<RecordRing*>(self);
  ring.handler_.on_record({static_cast<const std::byte*>(data), size});
  const auto end_by = ring.end_by_.load(std::memory_order_relaxed);
  return end_by != 0 && Clock::now().time_since_epoch().count() >= end_by ? -ECANCELED : 0;
}

int RecordRing::empty_previous() noexcept {
  if (!previous_) return 0;
  const int records = ring_buffer__consume(previous_.get());
  if (--looks_at_previous_ == 0) previous_.reset();
  return records;
}

Result<int> RecordRing::poll(std::chrono::milliseconds timeout) noexcept {
  pollfd ready[] = {{.fd = ring_buffer__epoll_fd(ring_.get()), .events = POLLIN, .revents = 0},
                    {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  if (::poll(ready, std::size(ready), static_cast<int>(timeout.count())) < 0 && errno != EINTR)
    return last_error("wait for records");
  // The kernel wakes its reader only when nothing is left unread: a moment's rest turns the wake-up for each
  // record of a burst, which the failing program would pay for, into one for all of them.
  if (ready[0].revents != 0 && ready[1].revents == 0) std::this_thread::sleep_for(kRest);
  const int previous = empty_previous(),
            records = previous < 0 ? previous : ring_buffer__consume(ring_.get());
  if (records == -ECANCELED) return 0;  // by on_sample()
  if (records < 0) return Error{std::error_code(-records, std::generic_category()), "read records"};
  return previous + records;
}

void RecordRing::wake() noexcept {
  const std::uint64_t one = 1;
  end_by_ = (Clock::now() + kLongestEnd).time_since_epoch().count();
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof(one));
}

Result<std::uint64_t> discard_records(int map_fd) {
  std::uint64_t records = 0;
  const auto count = [](void* total, void*, std::size_t) { return ++*static_cast<std::uint64_t*>(total), 0; };
  ring_buffer* ring = ring_buffer__new(map_fd, count, &records, nullptr);
  if (ring == nullptr) return last_error("open the previous ring buffer");
  ring_buffer__consume(ring);
  ring_buffer__free(ring);
  return records;
}

}  // namespace sockward
