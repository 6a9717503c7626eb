#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "delivery/delivery_counts.hpp"

namespace sockward {

/// Records on their way to something slow. add() never waits: when the queue is full the oldest one is
/// dropped and counted. A thread of its own delivers in batches and tries again, each time later, while it
/// may still work.
class DeliveryQueue {
 public:
  struct Item {
    std::string group;  ///< what it shares with others, such as the resource; may be empty
    std::string text;
  };
  /// Delivery outcome of a batch. `retry`: not now, perhaps later; `refused`: never, the batch is dropped.
  enum class Outcome { delivered, retry, refused };
  using Deliver = std::function<Outcome(const std::vector<Item>&)>;

  struct Limits {
    std::size_t queued = 4096;
    std::size_t batch = 256;
    std::chrono::milliseconds first_pause{500}, longest_pause{30'000};
    std::chrono::milliseconds at_end{2000};  ///< how long the destructor goes on delivering
  };

  /// `counts` must outlive it.
  DeliveryQueue(Deliver deliver, DeliveryCounts& counts, Limits limits);
  DeliveryQueue(Deliver deliver, DeliveryCounts& counts)
      : DeliveryQueue(std::move(deliver), counts, Limits{}) {}
  DeliveryQueue(const DeliveryQueue&) = delete;
  DeliveryQueue& operator=(const DeliveryQueue&) = delete;
  ~DeliveryQueue();

  void add(Item item);

 private:
  void work();
  std::vector<Item> take_batch(std::unique_lock<std::mutex>& lock);
  void put_back(std::vector<Item> batch);

  Deliver deliver_;
  DeliveryCounts& counts_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  bool closing_ = false;
  std::chrono::steady_clock::time_point give_up_{};
  std::thread worker_;  // last: it uses everything above
};

}  // namespace sockward
