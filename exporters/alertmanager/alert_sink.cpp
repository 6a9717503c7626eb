#include "alertmanager/alert_sink.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace sockward {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::chrono::milliseconds kFirstPause{250}, kLongestPause{15'000}, kTick{1000};

}  // namespace

class AlertSink::Receiver {
 public:
  Receiver(AlertSink& sink, HttpTarget target)
      : sink_(sink), client_(std::move(target)), thread_([this] { work(); }) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { thread_.join(); }

 private:
  WallTime now() const { return sink_.clock_.wall(sink_.clock_.monotonic()); }

  void work() {
    std::unique_lock lock(sink_.mutex_);
    for (;;) {
      sink_.book_.advance(now());
      std::erase_if(sent_, [&](const auto& item) { return !sink_.book_.knows(item.first); });
      const std::uint64_t seen = sink_.news_;
      AlertBook::Due due = sink_.book_.due(sent_, now(), kBatch);
      if (!due.alerts.empty()) {
        const bool delivered = deliver(due, lock);
        if (delivered) continue;
      }
      if (sink_.closing_) return;
      const auto wait = due.alerts.empty() ? kTick : pause_;
      if (!due.alerts.empty()) pause_ = std::min(pause_ * 2, kLongestPause);
      sink_.changed_.wait_for(lock, wait,
                              [&] { return sink_.closing_ || (due.alerts.empty() && sink_.news_ != seen); });
    }
  }

  bool deliver(const AlertBook::Due& due, std::unique_lock<std::mutex>& lock) {
    const std::string body = to_json(due.alerts, sink_.options_.identity.generator_url);
    lock.unlock();
    const auto status = client_.post("/api/v2/alerts", body, "application/json");
    lock.lock();
    const bool accepted = status && *status >= 200 && *status < 300;
    // 400: the valid alerts of the batch were taken, the others never will be. Sending it again changes
    // nothing.
    const bool hopeless = status && *status >= 400 && *status < 500 && *status != 429;
    if (!accepted) {
      sink_.counts_.errors += due.alerts.size();
      complain(status ? "it answered " + std::to_string(*status) : status.error().text());
    }
    if (hopeless) sink_.counts_.dropped += due.alerts.size();
    if (!accepted && !hopeless) {
      sent_.clear();  // it may have been restarted: then it knows nothing any more
      return false;
    }
    if (accepted) {
      sink_.counts_.delivered += due.alerts.size();
      quiet_ = false;
    }
    pause_ = kFirstPause;
    for (std::size_t i = 0; i < due.keys.size(); ++i) sent_[due.keys[i]] = {due.versions[i], now()};
    return true;
  }

  /// Once for each outage; the counter has all.
  void complain(const std::string& why) {
    if (!quiet_) log_warn("cannot deliver alerts to {}: {}", client_.url(), why);
    quiet_ = true;
  }

  AlertSink& sink_;
  HttpClient client_;
  AlertBook::Receiver sent_;
  std::chrono::milliseconds pause_ = kFirstPause;
  bool quiet_ = false;
  std::thread thread_;  // last: it uses everything above
};

AlertSink::AlertSink(AlertOptions options, const Clock& clock, DeliveryCounts& counts)
    : options_(std::move(options)), clock_(clock), counts_(counts), book_(options_.times) {
  for (auto target : options_.targets) {
    target.timeout = std::min(target.timeout, std::chrono::seconds(10));
    receivers_.push_back(std::make_unique<Receiver>(*this, std::move(target)));
  }
}

AlertSink::~AlertSink() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  receivers_.clear();
}

bool AlertSink::wanted(const Record& record) const {
  if (severity_of(record) < options_.least) return false;
  const std::string cause(to_string(record.diagnosis.cause));
  return options_.causes.empty() ? record.diagnosis.cause != Cause::unknown : options_.causes.contains(cause);
}

bool AlertSink::write(const Record& record) {
  if (!wanted(record)) return true;
  Alert alert = alert_of(record, options_.identity);
  {
    const std::lock_guard lock(mutex_);
    counts_.dropped += book_.occurred(std::move(alert), clock_.wall(clock_.monotonic()));
    ++news_;
  }
  changed_.notify_all();
  return true;
}

}  // namespace sockward
