#include "host/time_limited_worker.hpp"

#include <thread>

namespace sockward {

struct TimeLimitedWorker::Worker {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> task;
  bool done = false, closed = false, left_behind = false;
  const std::shared_ptr<std::atomic<unsigned>> hanging;  // of all workers

  explicit Worker(std::shared_ptr<std::atomic<unsigned>> all) : hanging(std::move(all)) {}

  /// Keeps itself alive: it may outlive the one who started it.
  static void work(const std::shared_ptr<Worker>& self) {
    std::unique_lock lock(self->mutex);
    for (;;) {
      self->changed.wait(lock, [&] { return self->closed || self->task; });
      if (!self->task) return;
      const auto task = std::exchange(self->task, nullptr);
      lock.unlock();
      task();
      lock.lock();
      self->done = true;
      if (self->left_behind) --*self->hanging;  // it has come back after all, and ends
      self->changed.notify_all();
    }
  }
};

TimeLimitedWorker::~TimeLimitedWorker() {
  if (!worker_) return;
  const std::lock_guard lock(worker_->mutex);
  worker_->closed = true;
  worker_->changed.notify_all();
}

Error TimeLimitedWorker::run(std::function<void()> task) {
  const std::lock_guard one_at_a_time(mutex_);
  if (*hanging_ >= kMostHanging) {
    ++not_begun_;
    return make_error(std::errc::device_or_resource_busy, "look at files while earlier look-ups hang");
  }
  if (!worker_) {
    auto worker = std::make_shared<Worker>(hanging_);
    try {
      // Detached: a thread in uninterruptible I/O can be neither ended nor joined.
      std::thread([worker] { Worker::work(worker); }).detach();
    } catch (const std::system_error&) {
      ++not_begun_;
      return make_error(std::errc::device_or_resource_busy, "start a thread to look at files");
    }
    worker_ = std::move(worker);
  }
  std::unique_lock lock(worker_->mutex);
  worker_->done = false;
  worker_->task = std::move(task);
  worker_->changed.notify_all();
  if (worker_->changed.wait_for(lock, limit_, [&] { return worker_->done; })) return {};
  worker_->closed = worker_->left_behind = true;  // should it ever come back
  ++*hanging_;
  ++timed_out_;
  lock.unlock();
  worker_.reset();
  return make_error(std::errc::timed_out, "look at files");
}

}  // namespace sockward
