#include "probe/iterator.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "base/file_descriptor.hpp"

namespace sockward {

Result<std::size_t> run_iterator(const bpf_link* iterator, std::size_t size, const char* subject,
                                 const std::function<void(std::span<const std::byte>)>& take) {
  if (iterator == nullptr)
    return make_error(std::errc::function_not_supported,
                      std::string(subject) + ": the iterator is not attached");
  const FileDescriptor reader(bpf_iter_create(bpf_link__fd(iterator)));
  if (!reader.valid()) return last_error(subject);
  std::vector<std::byte> pending;
  std::array<std::byte, 16384> buffer;
  std::size_t count = 0;
  for (;;) {
    const ssize_t bytes = ::read(reader.get(), buffer.data(), buffer.size());
    if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (bytes < 0) return last_error(subject);
    if (bytes == 0) return count;
    pending.insert(pending.end(), buffer.begin(), buffer.begin() + bytes);
    std::size_t offset = 0;
    for (; pending.size() - offset >= size; offset += size, ++count)
      take(std::span(pending).subspan(offset, size));
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(offset));
  }
}

}  // namespace sockward
