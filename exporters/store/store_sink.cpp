#include "store/store_sink.hpp"

#include <fcntl.h>

#include "base/file_descriptor.hpp"
#include "base/log.hpp"
#include "base/startup_error.hpp"

namespace sockward {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::chrono::seconds kBetweenLooks{60};

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
}

/// Says at the start what would fail at every record.
void require_file(const std::string& path) {
  constexpr mode_t kForRootAlone = 0600;
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kForRootAlone));
  if (!file.valid())
    throw failure(last_error("open records.store " + path).text(),
                  "check the folder and its permissions, or write records: {store: off}");
}

}  // namespace

StoreSink::StoreSink(StoreOptions options, StoreStats& stats) : options_(std::move(options)), stats_(stats) {
  require_file(options_.path);
  worker_ = std::thread([this] { work(); });
}

StoreSink::~StoreSink() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

bool StoreSink::write(const Record& record) {
  StoredRecord row = stored_record(record, options_.arguments);
  std::size_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.queued) {
      queue_.pop_front();
      ++stats_.dropped_queue_full;
    }
    queue_.push_back(std::move(row));
    size = queue_.size();
  }
  if (size == 1 || size >= kBatch) changed_.notify_one();
  return true;
}

void StoreSink::check_again() {
  {
    const std::lock_guard lock(mutex_);
    suspect_ = true;
  }
  changed_.notify_one();
}

/// Empty: nothing came for a while, the file is to be checked, or it is closing and nothing is left.
std::vector<StoredRecord> StoreSink::take_batch() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kBetweenLooks, [this] { return closing_ || suspect_ || !queue_.empty(); });
  changed_.wait_until(lock, committed_ + options_.between_commits,
                      [this] { return closing_ || suspect_ || queue_.size() >= kBatch; });
  const bool suspect = std::exchange(suspect_, false);
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kBatch));
  std::vector<StoredRecord> batch(std::make_move_iterator(queue_.begin()),
                                  std::make_move_iterator(queue_.begin() + count));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  lock.unlock();
  if (suspect) store_.reset();  // may write, and so wait
  return batch;
}

void StoreSink::work() {
  if (open_store()) look_after();
  for (;;) {
    const std::vector<StoredRecord> batch = take_batch();
    if (!batch.empty()) {
      store(batch);
      committed_ = std::chrono::steady_clock::now();
    } else {
      const std::lock_guard lock(mutex_);
      if (closing_ && queue_.empty()) break;
    }
    if (!store_ && batch.empty()) (void)open_store();
    if (store_ && std::chrono::steady_clock::now() >= looked_after_ + kBetweenLooks) look_after();
  }
  store_.reset();
}

bool StoreSink::open_store() {
  auto opened = RecordStore::open(options_.path, options_.limits, stats_);
  if (!opened) {
    note_failure(opened.error(), 0);
    return false;
  }
  store_.emplace(std::move(*opened));
  return true;
}

void StoreSink::store(const std::vector<StoredRecord>& batch) {
  if (store_ && !store_->is_in_place()) {
    log_warn("the record store {} was removed or replaced: it is opened again", options_.path);
    store_.reset();
  }
  if (!store_ && !open_store()) {
    stats_.dropped_write_error += batch.size();
    dropped_ += batch.size();
    return;
  }
  const auto added = store_->add(batch);
  if (!added) return note_failure(added.error(), batch.size());
  stats_.written += batch.size();
  if (const auto pruned = store_->prune(wall_now()); !pruned) return note_failure(pruned.error(), 0);
  if (!std::exchange(failing_, false)) return;
  log_info("records are stored in {} again; {} were dropped", options_.path, std::exchange(dropped_, 0));
}

void StoreSink::note_failure(const Error& error, std::size_t dropped) {
  const bool full = is_disk_full(error);
  (full ? stats_.dropped_disk_full : stats_.dropped_write_error) += dropped;
  dropped_ += dropped;
  if (!std::exchange(failing_, true))
    log_warn("cannot store records in {}: {}; those dropped are counted; next: {}", options_.path,
             error.text(), full ? "df -h" : "check the file and its folder");
  if (!store_) return;
  if (full) return store_->shrink_log();
  store_.reset();  // opened again for the next batch, and checked
}

/// Every minute: what is too old goes, whether anything fails or not.
void StoreSink::look_after() {
  looked_after_ = std::chrono::steady_clock::now();
  if (const auto pruned = store_->prune(wall_now()); !pruned) note_failure(pruned.error(), 0);
}

}  // namespace sockward
