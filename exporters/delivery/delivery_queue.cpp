#include "delivery/delivery_queue.hpp"

#include <algorithm>

namespace sockward {

DeliveryQueue::DeliveryQueue(Deliver deliver, DeliveryCounts& counts, Limits limits)
    : deliver_(std::move(deliver)), counts_(counts), limits_(limits), worker_([this] { work(); }) {}

DeliveryQueue::~DeliveryQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    give_up_ = std::chrono::steady_clock::now() + limits_.at_end;
  }
  changed_.notify_all();
  worker_.join();
}

void DeliveryQueue::add(Item item) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limits_.queued) {
      queue_.pop_front();
      ++counts_.dropped;
    }
    queue_.push_back(std::move(item));
  }
  changed_.notify_one();
}

std::vector<DeliveryQueue::Item> DeliveryQueue::take_batch(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), limits_.batch));
  std::vector<Item> batch(std::make_move_iterator(queue_.begin()),
                          std::make_move_iterator(queue_.begin() + count));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return batch;
}

/// They are the oldest: what finds no room any more is dropped.
void DeliveryQueue::put_back(std::vector<Item> batch) {
  while (!batch.empty() && queue_.size() < limits_.queued) {
    queue_.push_front(std::move(batch.back()));
    batch.pop_back();
  }
  counts_.dropped += batch.size();
}

void DeliveryQueue::work() {
  auto pause = limits_.first_pause;
  std::unique_lock lock(mutex_);
  for (;;) {
    std::vector<Item> batch = take_batch(lock);
    if (batch.empty()) return;
    lock.unlock();
    const Outcome outcome = deliver_(batch);
    lock.lock();
    if (outcome == Outcome::delivered) {
      counts_.delivered += batch.size();
      pause = limits_.first_pause;
      continue;
    }
    ++counts_.errors;
    if (outcome == Outcome::refused) {
      counts_.dropped += batch.size();
      continue;
    }
    put_back(std::move(batch));
    if (closing_ && std::chrono::steady_clock::now() >= give_up_) {
      counts_.dropped += queue_.size();
      return;
    }
    const auto longest = closing_ ? std::chrono::milliseconds(100) : pause;
    changed_.wait_for(lock, longest, [this] { return closing_; });
    pause = std::min(pause * 2, limits_.longest_pause);
  }
}

}  // namespace sockward
