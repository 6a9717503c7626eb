#include "kubernetes/event_sink.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "base/printable.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

using Answer = EventBook::Answer;
using std::chrono::milliseconds, std::chrono::seconds, std::chrono::steady_clock;

constexpr milliseconds kBetween{100}, kTick{1000}, kFirstPause{500}, kLongestPause{30'000}, kAtEnd{2000};
constexpr seconds kLongestRetryAfter{600};

MonotonicTime now() {
  // CLOCK_MONOTONIC, as records have it.
  return {static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count())};
}

std::string path_of(const EventBook::Request& request) {
  std::string path = "/apis/events.k8s.io/v1/namespaces/" + request.pod_namespace + "/events";
  return request.creates ? path : path + "/" + request.name;
}

/// Retry-After in seconds; the API server writes no dates. Zero: it says nothing.
seconds wait_wanted(const std::string& retry_after) {
  int number = 0;
  const auto [end, error] =
      std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), number);
  if (error != std::errc() || number < 0) return seconds(0);
  return std::min<seconds>(seconds(number), kLongestRetryAfter);
}

/// 401: the token may be a new one at the next try.
bool is_passing(int status) {
  return status == 401 || status == 408 || status == 429 || status >= 500;
}

}  // namespace

std::string explanation_of(const HttpAnswer& answer) {
  constexpr std::size_t kLongest = 300;
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(answer.body.data(), answer.body.size());
  const rapidjson::Value& status = document;
  const std::string code = "it answered " + std::to_string(answer.status);
  if (document.HasParseError() || !status.IsObject()) return code;
  const auto message = status.FindMember("message");
  if (message == status.MemberEnd() || !message->value.IsString()) return code;
  const std::string_view text(message->value.GetString(), message->value.GetStringLength());
  return code + ": " + printable(text.substr(0, kLongest)).text;
}

EventSink::EventSink(EventOptions options, DeliveryCounts& counts)
    : options_(std::move(options)),
      counts_(counts),
      book_(options_.rates),
      client_(std::make_unique<HttpClient>(options_.api)),
      thread_([this] { work(); }) {}

EventSink::~EventSink() {
  {
    std::unique_lock lock(mutex_);
    closing_ = true;
    give_up_ = steady_clock::now() + kAtEnd;
    changed_.notify_all();
    // An API server that takes its time holds up nobody.
    if (!changed_.wait_until(lock, give_up_, [this] { return done_; })) client_->stop();
  }
  thread_.join();
}

bool EventSink::write(const Record& record) {
  if (!is_of_pod(record) || severity_of(record) < options_.least || record.diagnosis.cause == Cause::unknown)
    return true;
  auto event = pod_event_of(record, options_.node.empty() ? record.resource.host_name : options_.node);
  {
    const std::lock_guard lock(mutex_);
    if (event)
      book_.occurred(std::move(*event), record.event.time);
    else
      lose(EventLoss::unnamed, 1);
    settle();
    ++news_;
  }
  changed_.notify_all();
  return true;
}

void EventSink::lose(EventLoss loss, std::uint64_t records) {
  if (records == 0) return;
  (loss == EventLoss::rate ? counts_.suppressed : counts_.dropped) += records;
  counts_.event_losses[static_cast<std::size_t>(loss)] += records;
}

/// What the book has done goes into the counts.
void EventSink::settle() {
  const auto losses = book_.take_losses();
  for (std::size_t i = 0; i < losses.size(); ++i) lose(static_cast<EventLoss>(i), losses[i]);
  counts_.delivered += book_.take_delivered();
}

void EventSink::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    book_.advance(now());
    settle();
    const std::uint64_t seen = news_;
    const auto request = book_.next(now(), closing_);
    if (closing_ && (!request || steady_clock::now() >= give_up_)) break;
    if (!request) {
      const auto changed = [&] { return closing_ || news_ != seen; };
      if (book_.empty())
        changed_.wait(lock, changed);
      else
        changed_.wait_for(lock, kTick, changed);
      continue;
    }
    const Pause pause = send(*request, lock);
    if (closing_)
      changed_.wait_for(lock, std::min(pause, kBetween));
    else
      changed_.wait_for(lock, pause, [this] { return closing_; });
  }
  book_.stop();
  settle();
  done_ = true;
  changed_.notify_all();
}

EventSink::Pause EventSink::send(const EventBook::Request& request, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const auto answer = client_->send(request.creates ? "POST" : "PATCH", path_of(request), request.body,
                                    request.creates ? "application/json" : "application/merge-patch+json");
  lock.lock();
  if (!answer) {
    renew_client();
    return try_later(request, answer.error().text(), {});
  }
  const int status = answer->status;
  // Two that patch at once: the API server has tried five times by then.
  if (is_passing(status) || (status == 409 && !request.creates))
    return try_later(request, explanation_of(*answer), answer->retry_after);
  pause_ = Pause(0);
  if (status >= 200 && status < 300) {
    book_.answered(request, Answer::accepted, now());
    complained_.clear();
  } else if (status == 409) {
    book_.answered(request, Answer::exists, now());
  } else if (status == 404 && !request.creates) {
    book_.answered(request, Answer::vanished, now());
  } else if (status == 404 || explanation_of(*answer).find("being terminated") != std::string::npos) {
    give_up(request, EventLoss::gone, *answer);
  } else {
    give_up(request, status == 403 ? EventLoss::forbidden : EventLoss::refused, *answer);
  }
  settle();
  return closing_ ? Pause(0) : kBetween;
}

EventSink::Pause EventSink::try_later(const EventBook::Request& request, const std::string& why,
                                      const std::string& retry_after) {
  ++counts_.errors;
  complain("later", fmt::format("{}; next: check that the API server can be reached from this pod; what "
                                "waits is sent then",
                                why));
  book_.answered(request, Answer::later, now());
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  return std::max<Pause>(pause_, wait_wanted(retry_after));
}

void EventSink::give_up(const EventBook::Request& request, EventLoss loss, const HttpAnswer& answer) {
  ++counts_.errors;
  const std::string why = explanation_of(answer);
  if (loss == EventLoss::forbidden)
    complain("forbidden", why +
                              "; next: give its service account the rights of packaging/kubernetes/events "
                              "(create and patch events of events.k8s.io)");
  else if (loss == EventLoss::gone)
    complain("gone", why +
                         "; next: nothing where the namespace was deleted, else use Kubernetes 1.19 or "
                         "later (events.k8s.io/v1)");
  else
    complain("refused", why + "; next: report this with the agent's version and that of the API server");
  book_.answered(request, loss);
}

/// Once of each kind until an Event gets through; the counters have all.
void EventSink::complain(std::string_view kind, const std::string& what) {
  if (complained_.emplace(kind).second)
    log_warn("cannot create Events on pods at {}: {}", client_->url(), what);
}

/// The certificates to trust may be other ones by now, and were read when the client was made.
void EventSink::renew_client() {
  if (closing_) return;
  try {
    client_ = std::make_unique<HttpClient>(options_.api);
  } catch (const StartupError& error) {
    complain("files", fmt::format("{}; next: {}", error.what(), error.next_step()));
  }
}

}  // namespace sockward
