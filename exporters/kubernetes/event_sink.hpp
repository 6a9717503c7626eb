#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "delivery/delivery_counts.hpp"
#include "http/client.hpp"
#include "kubernetes/event_book.hpp"
#include "record/sink.hpp"

namespace sockward {

struct EventOptions {
  HttpTarget api;
  EventRates rates;
  Severity least = Severity::warn;  ///< records below this become no Events
  std::string node;                 ///< empty: the host's name
};

/// Creates Events on the pods whose processes fail, and makes repeats their series. write() only notes the
/// occurrence: a thread talks to the API server, one request at a time, ten a second at most, and tries again
/// ever later while it is down or asks for it (Retry-After). Records of `unknown` cause become none.
class EventSink final : public Sink {
 public:
  /// Throws StartupError (usage) when the API cannot be addressed. `counts` must outlive it.
  EventSink(EventOptions options, DeliveryCounts& counts);
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  ~EventSink() override;  ///< what is new is sent first, for two seconds at most

  bool write(const Record& record) override;

 private:
  using Pause = std::chrono::milliseconds;
  void work();
  /// Sends one request without holding the lock. Returns how long to wait before the next one.
  Pause send(const EventBook::Request& request, std::unique_lock<std::mutex>& lock);
  Pause try_later(const EventBook::Request& request, const std::string& why, const std::string& retry_after);
  void give_up(const EventBook::Request& request, EventLoss loss, const HttpAnswer& answer);
  void settle();
  void lose(EventLoss loss, std::uint64_t records);
  void complain(std::string_view kind, const std::string& what);
  void renew_client();

  const EventOptions options_;
  DeliveryCounts& counts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  EventBook book_;
  std::unique_ptr<HttpClient> client_;
  Pause pause_{};
  std::set<std::string, std::less<>> complained_;  // of what, since the last success
  std::uint64_t news_ = 0;
  bool closing_ = false, done_ = false;
  std::chrono::steady_clock::time_point give_up_{};
  std::thread thread_;  // last: it uses everything above
};

/// What the answer of an API server says of itself: `message` of a Status, printable and short; else the
/// status. Pure.
std::string explanation_of(const HttpAnswer& answer);

}  // namespace sockward
