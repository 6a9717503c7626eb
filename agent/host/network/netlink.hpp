#pragma once
#include <linux/netlink.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.hpp"

struct mnl_socket;

namespace sockward {

using TakeMessage = std::function<void(const nlmsghdr* message)>;
using TakeAttribute = std::function<void(const nlattr* attribute)>;

/// One netlink socket in the network namespace of the thread that opened it (netlink(7)). Not thread-safe.
class Netlink {
 public:
  /// `protocol`: NETLINK_ROUTE, NETLINK_SOCK_DIAG. An answer is waited for no longer than `timeout`.
  static Result<Netlink> open(int protocol, std::chrono::milliseconds timeout);

  /// Sends a request made by `write`, which gets room for it (1 KiB), and hands every message of the answer
  /// to `take`. With NLM_F_DUMP the answer is many messages, otherwise one. The value: 0, or the errno with
  /// which the kernel refused. Error: no answer came (std::errc::timed_out); std::errc::interrupted: the
  /// tables changed while they were read, and what `take` has got is not one state of them.
  Result<int> ask(const std::function<void(void* buffer)>& write, const TakeMessage& take);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const noexcept;
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Close> socket_;
  std::uint32_t sequence_ = 0;
};

/// Hands every attribute behind a message's header of `header_bytes` to `take`. Malformed ones end it.
void for_each_attribute(const nlmsghdr* message, std::size_t header_bytes, const TakeAttribute& take);

}  // namespace sockward
