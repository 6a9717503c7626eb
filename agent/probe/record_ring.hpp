#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"

struct ring_buffer;

namespace sockward {

/// Takes records out of the ring buffer.
class RecordHandler {
 public:
  virtual ~RecordHandler() = default;
  /// Called for each record, on the thread that polls. Must not throw and not block.
  virtual void on_record(std::span<const std::byte> record) noexcept = 0;
};

/// What records are read from. A previous agent's ring buffer, where it is another one, comes first: no
/// program writes to it any more.
struct Rings {
  int current = -1;  ///< not owned
  FileDescriptor previous{};
};

/// Reads records from the BPF ring buffer. Not movable: libbpf keeps `this` for its callback.
class RecordRing {
 public:
  RecordRing(Rings rings, RecordHandler& handler);  // throws StartupError
  RecordRing(const RecordRing&) = delete;
  RecordRing& operator=(const RecordRing&) = delete;
  ~RecordRing();

  /// Waits until records come, wake() is called, or the time is up; hands over what is there.
  /// Returns the number of records. A signal counts as nothing.
  Result<int> poll(std::chrono::milliseconds timeout) noexcept;
  /// Ends a waiting poll(), and one that does not come to the end of a storm of records within a second: what
  /// is left then stays in the ring buffer. Later ones do not wait. Any thread.
  void wake() noexcept;

 private:
  struct Free {
    void operator()(ring_buffer* ring) const noexcept;
  };
  static int on_sample(void* self, void* data, std::size_t size) noexcept;
  /// Reads the previous ring and, when nothing can come behind that, lets it go. Returns the number of
  /// records.
  int empty_previous() noexcept;

  RecordHandler& handler_;
  std::unique_ptr<ring_buffer, Free> ring_, previous_;
  int looks_at_previous_ = 2;  // a record that was being written may have hidden those behind it
  FileDescriptor wake_;
  std::atomic<std::chrono::steady_clock::rep> end_by_{0};  // of steady_clock; 0: nobody called wake()
};

/// Takes out, unread, what is in a ring buffer that nothing writes to any more. Returns how many records it
/// was.
Result<std::uint64_t> discard_records(int map_fd);

}  // namespace sockward
