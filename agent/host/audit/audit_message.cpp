#include "host/audit/audit_message.hpp"

#include <algorithm>
#include <charconv>

namespace sockward {
namespace {

Error malformed(const char* what) {
  return make_error(std::errc::bad_message, what);
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size();
}

/// Takes what stands before `mark` from the text, and the mark. nullopt: it is not there.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view mark) {
  const std::size_t found = text.find(mark);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, found);
  text.remove_prefix(found + mark.size());
  return before;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes "audit(1700000000.123:42): ".
bool take_stamp(std::string_view& text, AuditedDenial& denial) {
  constexpr std::int64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000, kMostSeconds = 8'000'000'000;
  if (!take_prefix(text, "audit(")) return false;
  const auto seconds = take_until(text, "."), milliseconds = take_until(text, ":"),
             serial = take_until(text, "):");
  std::int64_t whole = 0, part = 0;
  if (!seconds || !milliseconds || !serial || !parse(*seconds, whole) || !parse(*milliseconds, part) ||
      !parse(*serial, denial.serial))
    return false;
  if (whole < 0 || whole > kMostSeconds || part < 0 || part > 999) return false;
  denial.time = {whole * kSecond + part * kMillisecond};
  return true;
}

int digit_of(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;  // the kernel writes no small ones
  return -1;
}

/// The bytes behind hexadecimal digits; nullopt: they are none.
std::optional<std::string> from_hex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

struct Field {
  std::string_view key, value;
  bool quoted = false;

  /// A string that a program chose.
  std::string untrusted() const {
    if (quoted) return std::string(value);
    return from_hex(value).value_or(std::string(value));
  }
  template <class Number>
  bool number(Number& into) const {
    return parse(value, into);
  }
};

/// Takes the next field; words without "=" are passed over. nullopt: there is none. A quote that is not
/// closed ends with the text, as the kernel cuts what is too long.
std::optional<Field> take_field(std::string_view& text) {
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(" ,"), text.size()));
    const std::size_t end = text.find_first_of(" =");
    if (end == std::string_view::npos) return std::nullopt;
    Field field{text.substr(0, end), {}};
    const bool has_value = text[end] == '=';
    text.remove_prefix(end + 1);
    if (!has_value) continue;
    field.quoted = take_prefix(text, "\"");
    const std::size_t length = std::min(text.find(field.quoted ? '"' : ' '), text.size());
    field.value = text.substr(0, length);
    text.remove_prefix(std::min(length + (field.quoted ? 1 : 0), text.size()));
    return field;
  }
  return std::nullopt;
}

template <class Number>
bool take_number(const Field& field, std::optional<Number>& into) {
  Number number = 0;
  if (!field.number(number)) return false;
  into = number;
  return true;
}

/// What both modules write (dump_common_audit_data() in security/lsm_audit.c). False: a number is none.
bool take_common(const Field& field, AuditedDenial& denial) {
  if (field.key == "pid") return field.number(denial.tgid);
  if (field.key == "src") return take_number(field, denial.source_port);
  if (field.key == "dest") return take_number(field, denial.destination_port);
  if (field.key == "capability") return take_number(field, denial.capability);
  if (field.key == "comm") denial.comm = field.untrusted();
  return true;
}

/// security/apparmor/audit.c, file.c, net.c, af_unix.c
bool take_apparmor(const Field& field, AuditedDenial& denial) {
  if (field.key == "operation") denial.operation = field.value;
  if (field.key == "class") denial.kind = field.value;
  if (field.key == "info") denial.info = field.value;
  if (field.key == "profile" || (field.key == "label" && denial.subject.empty()))
    denial.subject = field.untrusted();
  // Of a socket: its own address, and that of its peer, which is what connect is about.
  const bool address = field.key == (denial.operation == "connect" ? "peer_addr" : "addr");
  if (field.key == "name" || (address && field.value != "none")) {
    denial.name = field.untrusted();
    denial.whole_path = true;
  }
  if (field.key == "requested_mask" || field.key == "requested") denial.requested = field.value;
  if (field.key == "denied_mask" || field.key == "denied") denial.denied = field.value;
  if (field.key == "family") denial.family = field.value;
  if (field.key == "sock_type") denial.type = field.value;
  return take_common(field, denial);
}

/// security/selinux/avc.c, security/lsm_audit.c: "name" is the last component, "path" a whole path.
bool take_selinux(const Field& field, AuditedDenial& denial) {
  if (field.key == "scontext") denial.subject = field.value;
  if (field.key == "tcontext") denial.object = field.value;
  if (field.key == "tclass") denial.kind = field.value;
  if (field.key == "ino") return take_number(field, denial.inode);
  if (field.key == "path" || (field.key == "name" && !denial.whole_path)) {
    denial.name = field.untrusted();
    denial.whole_path = field.key == "path";
  }
  return take_common(field, denial);
}

Result<std::optional<AuditedDenial>> apparmor_denial(std::string_view text, AuditedDenial denial) {
  bool refused = false;
  while (const auto field = take_field(text)) {
    if (field->key == "apparmor") refused = field->value == "DENIED";
    if (!take_apparmor(*field, denial)) return malformed("read a number of an audit message");
  }
  if (!refused) return std::optional<AuditedDenial>();
  if (denial.tgid == 0 || denial.operation.empty()) return malformed("find who AppArmor refused what");
  return std::optional(std::move(denial));
}

/// Behind "avc:  denied  { ".
Result<std::optional<AuditedDenial>> selinux_denial(std::string_view text, AuditedDenial denial) {
  denial.module = AuditedDenial::Module::selinux;
  const auto permissions = take_until(text, " }");
  if (!permissions) return malformed("find the permissions that SELinux refused");
  denial.operation = *permissions;
  bool permissive = false;
  while (const auto field = take_field(text)) {
    if (field->key == "permissive") permissive = field->value != "0";
    if (!take_selinux(*field, denial)) return malformed("read a number of an audit message");
  }
  if (permissive) return std::optional<AuditedDenial>();
  if (denial.tgid == 0 || denial.kind.empty()) return malformed("find who SELinux refused what");
  return std::optional(std::move(denial));
}

}  // namespace

Result<std::optional<AuditedDenial>> denial_in(std::string_view text) {
  if (text.size() > kLongestAuditMessage) return malformed("read a long audit message");
  AuditedDenial denial;
  if (!take_stamp(text, denial)) return malformed("read the stamp of an audit message");
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (text.starts_with("apparmor=")) return apparmor_denial(text, std::move(denial));
  if (take_prefix(text, "avc:  denied  { ")) return selinux_denial(text, std::move(denial));
  return std::optional<AuditedDenial>();
}

}  // namespace sockward
