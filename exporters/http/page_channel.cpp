#include "http/page_channel.hpp"

#include <sys/socket.h>

#include <cstring>

namespace sockward {
namespace {

/// Appends fields to a message.
class Writer {
 public:
  Writer& number(std::uint32_t value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(value));  // both ends are the same program
    return *this;
  }
  Writer& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    text_ += value;
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Takes fields from a message. After anything that is not there every field is empty and whole() false.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  std::uint32_t number() {
    std::uint32_t value = 0;
    const std::string_view bytes = take(sizeof(value));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  std::string text() {
    const std::uint32_t size = number();
    return std::string(size == 0 ? std::string_view() : take(size));
  }
  bool good() const { return good_; }
  /// Was that all, and all there?
  bool whole() const { return good_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (!good_ || size > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string encode(const AskedPage& page) {
  Writer out;
  out.text(page.path).number(page.request.may_see_names ? 1 : 0);
  out.number(static_cast<std::uint32_t>(page.request.parameters.size()));
  for (const auto& [key, value] : page.request.parameters) out.text(key).text(value);
  return out.take();
}

std::string encode(const HttpResponse& response) {
  Writer out;
  out.number(static_cast<std::uint32_t>(response.status)).text(response.content_type).text(response.body);
  return out.take();
}

std::string encode(const WebStart& start) {
  Writer out;
  out.text(start.error).text(start.next_step).number(start.usage ? 1 : 0);
  out.number(static_cast<std::uint32_t>(start.ports.size()));
  for (const std::uint16_t port : start.ports) out.number(port);
  return out.take();
}

std::optional<AskedPage> decode_page(std::string_view message) {
  Reader in(message);
  AskedPage page;
  page.path = in.text();
  const std::uint32_t may_see_names = in.number();
  page.request.may_see_names = may_see_names == 1;
  for (std::uint32_t left = in.number(); left > 0 && in.good(); --left) {
    std::string key = in.text();
    page.request.parameters[std::move(key)] = in.text();
  }
  if (!in.whole() || may_see_names > 1) return std::nullopt;
  return page;
}

std::optional<HttpResponse> decode_response(std::string_view message) {
  Reader in(message);
  HttpResponse response;
  response.status = static_cast<int>(in.number());
  response.content_type = in.text();
  response.body = in.text();
  if (!in.whole() || response.status < 100 || response.status > 599) return std::nullopt;
  return response;
}

std::optional<WebStart> decode_start(std::string_view message) {
  Reader in(message);
  WebStart start;
  start.error = in.text();
  start.next_step = in.text();
  start.usage = in.number() == 1;
  for (std::uint32_t left = in.number(); left > 0 && in.good(); --left)
    start.ports.push_back(static_cast<std::uint16_t>(in.number()));
  if (!in.whole()) return std::nullopt;
  return start;
}

Result<bool> PageChannel::send(const std::string& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += message;
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t done = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return last_error("send to the other process");
    sent += static_cast<std::size_t>(done);
  }
  return true;
}

Result<std::string> PageChannel::receive(std::size_t limit) {
  const auto read_all = [this](char* to, std::size_t size) -> Result<bool> {
    for (std::size_t got = 0; got < size;) {
      const ssize_t done = ::recv(socket_.get(), to + got, size - got, 0);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return last_error("receive from the other process");
      if (done == 0) return make_error(std::errc::connection_reset, "receive from the other process");
      got += static_cast<std::size_t>(done);
    }
    return true;
  };
  std::uint32_t size = 0;
  if (const auto done = read_all(reinterpret_cast<char*>(&size), sizeof(size)); !done) return done.error();
  if (size > limit) return make_error(std::errc::message_size, "receive from the other process");
  std::string message(size, '\0');
  if (const auto done = read_all(message.data(), size); !done) return done.error();
  return message;
}

Result<std::string> PageChannel::ask(const std::string& message) {
  const std::lock_guard lock(one_at_a_time_);
  if (const auto done = send(message); !done) return done.error();
  return receive(kLongestAnswer);
}

void PageChannel::shut_down() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace sockward
