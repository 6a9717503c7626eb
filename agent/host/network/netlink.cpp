#include "host/network/netlink.hpp"

#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

namespace sockward {
namespace {

constexpr std::size_t kRequestBytes = 1024, kAnswerBytes = std::size_t{64} * 1024;

// libmnl is C: what it calls must not throw. Running out of memory ends the agent, as everywhere.
int call_take(const nlmsghdr* message, void* take) noexcept {
  (*static_cast<const TakeMessage*>(take))(message);
  return MNL_CB_OK;
}

int call_attribute(const nlattr* attribute, void* take) noexcept {
  (*static_cast<const TakeAttribute*>(take))(attribute);
  return MNL_CB_OK;
}

/// The errno in an answer that is an error message; 0: it is none.
int refusal_in(const std::vector<char>& answer, ssize_t received) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (mnl_nlmsg_ok(message, static_cast<int>(received)) == 0 || message->nlmsg_type != NLMSG_ERROR ||
      mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr))
    return 0;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
}

}  // namespace

void Netlink::Close::operator()(mnl_socket* socket) const noexcept {
  mnl_socket_close(socket);
}

Result<Netlink> Netlink::open(int protocol, std::chrono::milliseconds timeout) {
  Netlink opened(mnl_socket_open2(protocol, SOCK_CLOEXEC));
  if (!opened.socket_) return last_error("open netlink");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const std::chrono::microseconds rest = timeout - seconds;
  const timeval limit{.tv_sec = seconds.count(), .tv_usec = rest.count()};
  setsockopt(mnl_socket_get_fd(opened.socket_.get()), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  return opened;
}

Result<int> Netlink::ask(const std::function<void(void*)>& write, const TakeMessage& take) {
  alignas(nlmsghdr) std::array<char, kRequestBytes> request{};
  write(request.data());
  auto* header = reinterpret_cast<nlmsghdr*>(request.data());
  const bool many = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  header->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0) return last_error("query netlink");
  std::vector<char> answer(kAnswerBytes);
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
    // EAGAIN is what SO_RCVTIMEO says, and another thing here (HostView: the CPU budget is exhausted).
    if (received < 0 && errno == EAGAIN) return make_error(std::errc::timed_out, "read from netlink");
    if (received < 0) return last_error("read from netlink");
    if (const int refused = refusal_in(answer, received); refused != 0) return refused;
    const int status = mnl_cb_run(answer.data(), static_cast<std::size_t>(received), sequence_, 0, call_take,
                                  const_cast<TakeMessage*>(&take));
    if (status < 0) return last_error("read from netlink");
    if (status == MNL_CB_STOP || !many) return 0;
  }
}

void for_each_attribute(const nlmsghdr* message, std::size_t header_bytes, const TakeAttribute& take) {
  mnl_attr_parse(message, static_cast<unsigned>(header_bytes), call_attribute,
                 const_cast<TakeAttribute*>(&take));
}

}  // namespace sockward
