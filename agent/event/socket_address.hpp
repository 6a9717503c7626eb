#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

enum class AddressKind { path, abstract, unnamed, inet, inet6, other, unreadable };

/// "path", "abstract", …: the values of sockward.address.kind.
std::string_view to_string(AddressKind kind);

/// Length limits of AF_UNIX addresses, include/uapi/linux/un.h and net/unix/af_unix.c (unix_validate_addr).
inline constexpr int kUnixAddressMax = 110;  ///< largest addrlen the kernel takes
inline constexpr int kUnixPathMax = 108;     ///< sizeof sun_path; the last byte need not be NUL

/// One socket address, parsed once from raw bytes. Its strings are raw: not printable, not trusted.
struct SocketAddress {
  AddressKind kind = AddressKind::unreadable;
  std::uint16_t family = 0;  ///< of the sockaddr itself, as passed; 0 when unreadable
  std::string name;          ///< path: bytes before the NUL; abstract: exact bytes, without the leading NUL
  std::array<std::uint8_t, 16> ip{};  ///< inet: the first four bytes
  std::uint16_t port = 0;             ///< host order
  std::uint32_t scope = 0;            ///< inet6: index of the interface, for link-local addresses
  std::uint32_t netlink_port = 0;     ///< AF_NETLINK: the port id; 0: the kernel's choice
  bool truncated = false;  ///< the sockaddr is shorter than its family needs, or was not copied whole

  bool operator==(const SocketAddress&) const = default;

  bool is_unix() const {
    return kind == AddressKind::path || kind == AddressKind::abstract || kind == AddressKind::unnamed;
  }
  bool is_inet() const { return kind == AddressKind::inet || kind == AddressKind::inet6; }
  /// "127.0.0.1" or "::1"; empty for other kinds.
  std::string ip_text() const;
};

/// How the bytes were obtained.
struct AddressCopy {
  std::string_view bytes;  ///< what was copied
  bool fault = false;      ///< nothing could be read
  bool clipped = false;    ///< the caller passed more
};

SocketAddress parse_socket_address(const AddressCopy& copy);

/// The text form of docs/contract.md, and whether it gives the name back exactly; nullopt when unreadable.
/// `unix:/run/x`, `unix:@name` with \xNN, `127.0.0.1:80`, `[::1]:80`, `[fe80::1%2]:80`,
/// `family:AF_NETLINK`, `family:AF_NETLINK:777`.
struct AddressText {
  std::string text;
  bool exact = true;
};
std::optional<AddressText> address_text(const SocketAddress& address);

/// "AF_NETLINK"; a number without a name comes as "AF_77".
std::string family_name(std::uint16_t family);

}  // namespace sockward
