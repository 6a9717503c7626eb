#include "host/audit/audit_reader.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/read_file.hpp"
#include "host/audit/audit_message.hpp"
#include "host/in_namespace.hpp"

namespace sockward {
namespace {

/// Enough for some thousands of messages: each takes more than twice its own size of it.
constexpr int kSocketBytes = 4 << 20;

/// Only AUDIT_AVC: where rules audit system calls there are thousands of others. The filter reads numbers as
/// the network writes them, and the kernel writes this one as the machine does.
bool take_only_refusals(int socket) {
  std::array<sock_filter, 4> code = {{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(AUDIT_AVC), 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF), BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog program{.len = code.size(), .filter = code.data()};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

/// Is the calling thread in the initial network namespace? Only that one has this setting (net_core_table,
/// net/core/sysctl_net_core.c).
bool in_first_network_namespace() {
  return access("/proc/sys/net/core/netdev_budget", F_OK) == 0;
}

/// In the network namespace of the calling thread.
Result<FileDescriptor> open_here() {
  if (!in_first_network_namespace())
    return make_error(std::errc::no_such_device, "find the initial network namespace");
  FileDescriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
  if (!opened.valid()) return last_error("open an audit socket");
  if (!take_only_refusals(opened.get())) return last_error("filter audit messages");
  if (setsockopt(opened.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof(kSocketBytes)) != 0)
    setsockopt(opened.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBytes, sizeof(kSocketBytes));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
  if (bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return last_error("join the audit messages' group");
  return opened;
}

/// One message that is there. `from_kernel`: other programs can send to the socket, too.
struct Message {
  ssize_t bytes = 0;
  bool from_kernel = false;
};

Message receive(int socket, std::span<char> buffer) {
  sockaddr_nl from{};
  socklen_t length = sizeof(from);
  Message message;
  message.bytes = recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&from), &length);
  message.from_kernel = length == sizeof(from) && from.nl_family == AF_NETLINK && from.nl_pid == 0;
  return message;
}

/// Takes all messages that are there. False: the socket is broken.
bool take_all(int socket, DenialLog& log) {
  alignas(nlmsghdr) std::array<char, kLongestAuditMessage + NLMSG_HDRLEN> buffer;
  for (;;) {
    const Message message = receive(socket, buffer);
    if (message.bytes < 0 && errno == EINTR) continue;
    if (message.bytes < 0 && errno == ENOBUFS) {
      log.count(AuditLoss::overrun);
      continue;
    }
    if (message.bytes < 0) return errno == EAGAIN;
    if (!message.from_kernel || message.bytes < NLMSG_HDRLEN) continue;
    nlmsghdr header;
    std::memcpy(&header, buffer.data(), sizeof(header));
    if (header.nlmsg_type != AUDIT_AVC) continue;
    // One datagram is one message: what the header says of its length has been wrong in some versions.
    std::string_view text(buffer.data() + NLMSG_HDRLEN,
                          static_cast<std::size_t>(message.bytes - NLMSG_HDRLEN));
    text = text.substr(0, text.find('\0'));
    auto denial = denial_in(text);
    if (!denial)
      log.count(AuditLoss::malformed);
    else if (*denial)
      log.add(std::move(**denial));
  }
}

std::string obstacle_here(bool wanted) {
  if (auditing_modules().empty()) return "";
  return wanted ? "" : "probes.audit is off";
}

}  // namespace

std::string auditing_modules() {
  std::string found;
  // Not /sys/kernel/security/lsm: securityfs is not mounted in containers.
  const auto apparmor = read_file("/sys/module/apparmor/parameters/enabled", 16);
  if (apparmor && apparmor->starts_with('Y')) found = "AppArmor";
  const auto types = read_file("/proc/filesystems");
  if (types && types->find("\tselinuxfs\n") != std::string::npos)
    found += found.empty() ? "SELinux" : ", SELinux";
  return found;
}

Result<FileDescriptor> open_audit_socket() {
  if (in_first_network_namespace()) return open_here();
  // Of the host's first process, where /proc is the host's.
  const FileDescriptor first(open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC));
  if (!first.valid()) return last_error("open the first network namespace");
  return in_namespace<FileDescriptor>(first.get(), CLONE_NEWNET, open_here);
}

std::string audit_obstacle_text(const Error& error) {
  if (error.code == std::errc::protocol_not_supported)
    return error.text() +
           "; audit=0 is on the kernel's command line, or the kernel has no audit: boot without";
  if (error.code == std::errc::operation_not_permitted)
    return error.text() + "; give the agent CAP_AUDIT_READ in the initial user namespace";
  if (error.code == std::errc::no_such_device)
    return error.text() + "; give the agent the host's processes or network (hostPID, hostNetwork: true)";
  return error.text();
}

AuditReader::AuditReader(bool wanted, const Clock& clock) : log_(clock), obstacle_(obstacle_here(wanted)) {
  if (!obstacle_.empty() || !wanted || auditing_modules().empty()) return;
  auto opened = open_audit_socket();
  if (opened)
    socket_ = std::move(*opened);
  else
    obstacle_ = audit_obstacle_text(opened.error());
}

void AuditReader::start() {
  if (!socket_.valid() || thread_.joinable()) return;
  wake_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  thread_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
}

void AuditReader::read(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { eventfd_write(wake_.get(), 1); });
  std::array<pollfd, 2> ready = {{{.fd = socket_.get(), .events = POLLIN, .revents = 0},
                                  {.fd = wake_.get(), .events = POLLIN, .revents = 0}}};
  while (!stop.stop_requested()) {
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
    if (!take_all(socket_.get(), log_)) return;
  }
}

}  // namespace sockward
