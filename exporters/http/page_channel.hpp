#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "http/server.hpp"

namespace sockward {

/// What the process that serves HTTP asks of the one that knows the pages.
struct AskedPage {
  std::string path;
  HttpRequest request;
};

/// What it tells first: its ports, or why it cannot serve.
struct WebStart {
  std::vector<std::uint16_t> ports;
  std::string error, next_step;  ///< error empty: it serves
  bool usage = false;            ///< the kind of StartupError
};

// The text of a message: fields with their lengths before them. Decoding takes nothing on trust: std::nullopt
// for everything that the encoders do not write. Pure.
std::string encode(const AskedPage& page);
std::string encode(const HttpResponse& response);
std::string encode(const WebStart& start);
std::optional<AskedPage> decode_page(std::string_view message);
std::optional<HttpResponse> decode_response(std::string_view message);
std::optional<WebStart> decode_start(std::string_view message);

/// One end of a connection between the two processes.
class PageChannel {
 public:
  static constexpr std::size_t kLongestRequest = 64 << 10, kLongestAnswer = 256 << 20;

  explicit PageChannel(FileDescriptor socket) : socket_(std::move(socket)) {}

  Result<bool> send(const std::string& message);
  /// Waits for a whole message. Error: the other end is gone, or its message is longer than `limit`.
  Result<std::string> receive(std::size_t limit);
  /// send and receive, for one thread at a time.
  Result<std::string> ask(const std::string& message);
  /// While it is held, ask() waits.
  std::unique_lock<std::mutex> hold() { return std::unique_lock(one_at_a_time_); }
  /// Whoever waits at either end gets an error.
  void shut_down();
  int fd() const { return socket_.get(); }

 private:
  FileDescriptor socket_;
  std::mutex one_at_a_time_;
};

}  // namespace sockward
