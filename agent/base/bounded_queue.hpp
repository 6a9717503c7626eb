#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace sockward {

/// A queue between threads that never grows past its capacity: a full one refuses the newest element.
/// Thread-safe, any number of producers and consumers.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// false: full (or closed), the element was not taken. The caller counts it.
  bool try_push(T value) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(value));
    }
    ready_.notify_one();
    return true;
  }

  /// Waits for an element. nullopt: closed and empty, or interrupted.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || interrupted_ || !items_.empty(); });
    return take();
  }

  /// The same, but waits no longer than `limit`. nullopt: nothing came, too.
  std::optional<T> pop_within(std::chrono::nanoseconds limit) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, limit, [this] { return closed_ || interrupted_ || !items_.empty(); });
    return take();
  }

  /// Lets a consumer that waits return without an element, once.
  void interrupt() {
    {
      const std::lock_guard lock(mutex_);
      interrupted_ = true;
    }
    ready_.notify_all();
  }

  /// Closed, and nothing is left.
  bool finished() const {
    const std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

  /// No more elements are taken in; what is inside can still be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  /// With the lock held.
  std::optional<T> take() {
    interrupted_ = false;
    if (items_.empty()) return std::nullopt;
    T value = std::move(items_.front());
    items_.pop_front();
    return value;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false, interrupted_ = false;
};

}  // namespace sockward
