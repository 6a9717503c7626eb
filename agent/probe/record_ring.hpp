#pragma once
#include <chrono>
#include <cstddef>
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

/// Reads records from the BPF ring buffer. Not movable: libbpf keeps `this` for its callback.
class RecordRing {
 public:
  RecordRing(int map_fd, RecordHandler& handler);  // throws StartupError
  RecordRing(const RecordRing&) = delete;
  RecordRing& operator=(const RecordRing&) = delete;
  ~RecordRing();

  /// Waits until records come, wake() is called, or the time is up; hands over what is there.
  /// Returns the number of records. A signal counts as nothing.
  Result<int> poll(std::chrono::milliseconds timeout) noexcept;
  /// Ends a waiting poll(). Any thread.
  void wake() noexcept;

 private:
  struct Free {
    void operator()(ring_buffer* ring) const noexcept;
  };
  static int on_sample(void* self, void* data, std::size_t size) noexcept;

  RecordHandler& handler_;
  std::unique_ptr<ring_buffer, Free> ring_;
  FileDescriptor wake_;
};

}  // namespace sockward
