#pragma once
#include <sockward/calls.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sockward {

#define SOCKWARD_ENUMERATOR(CALL, call, ...) call,
/// The watched calls (sockward/calls.h); numbers are those of the wire format.
enum class Syscall : std::uint8_t {
  SOCKWARD_CALLS(SOCKWARD_ENUMERATOR)  // bind, connect …
  execve                               ///< and execveat: only records, no counters
};
#undef SOCKWARD_ENUMERATOR
static_assert(static_cast<int>(Syscall::execve) == SOCKWARD_EXECVE);

inline constexpr std::size_t kSyscalls = SOCKWARD_SYSCALLS;   ///< those that are counted
inline constexpr std::size_t kNamedSyscalls = kSyscalls + 1;  ///< and execve
/// A bit for each of them.
inline constexpr std::uint16_t kEverySyscall{(1U << kNamedSyscalls) - 1};

/// What the kernel side does with a watched call.
struct SyscallTraits {
  std::string_view name;
  bool takes_socket = false;       ///< it has a row of counters for each address family
  bool counts_only_eloop = false;  ///< only its ELOOP failures are counted
};

#define SOCKWARD_TRAITS(CALL, call, kind, counted, ...)                         \
  SyscallTraits{.name = #call,                                                  \
                .takes_socket = SOCKWARD_##kind##_CALL == SOCKWARD_SOCKET_CALL, \
                .counts_only_eloop = SOCKWARD_##counted == SOCKWARD_ONLY_ELOOP},
/// By number.
inline constexpr std::array<SyscallTraits, kNamedSyscalls> kSyscallTraits = {
    SOCKWARD_CALLS(SOCKWARD_TRAITS) SyscallTraits{.name = "execve"}};
#undef SOCKWARD_TRAITS

constexpr const SyscallTraits& traits_of(Syscall syscall) {
  return kSyscallTraits.at(static_cast<std::size_t>(syscall));
}

/// Does it remove the name at the end of its path?
constexpr bool removes_name(Syscall syscall) {
  return syscall == Syscall::unlink || syscall == Syscall::unlinkat;
}

/// Does it send to a socket, of AF_UNIX?
constexpr bool sends(Syscall syscall) {
  return syscall == Syscall::sendto || syscall == Syscall::sendmsg || syscall == Syscall::sendmmsg;
}

/// Does it look for the socket that has the address?
constexpr bool reaches(Syscall syscall) {
  return syscall == Syscall::connect || sends(syscall);
}

std::string_view to_string(Syscall syscall);
std::optional<Syscall> syscall_from(std::string_view name);

/// By which way a watched call comes to the program that sees it.
enum class Variant : std::uint8_t {
  plain,   ///< that of the call itself
  compat,  ///< of a 32-bit program, where it has an entry function of its own
  denied,  ///< refused by a seccomp filter before it began
  uring,   ///< through io_uring
  later,   ///< the end of a connect, after the call has returned
};

/// Is there a program for this variant of the call?
bool has_variant(Syscall syscall, Variant variant);

}  // namespace sockward
