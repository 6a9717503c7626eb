#include "probe/tracepoints.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <charconv>

namespace sockward {
namespace {

// From <linux/mount.h>, which cannot be included beside <sys/mount.h> in every libc.
constexpr unsigned kFsopenCloexec = 1, kFsmountCloexec = 1, kFsconfigCreate = 6;

Result<FileDescriptor> private_tracefs() {
  FileDescriptor context(static_cast<int>(syscall(SYS_fsopen, "tracefs", kFsopenCloexec)));
  if (!context.valid()) return last_error("open file system tracefs");
  if (syscall(SYS_fsconfig, context.get(), kFsconfigCreate, nullptr, nullptr, 0) != 0)
    return last_error("create file system tracefs");
  FileDescriptor root(static_cast<int>(syscall(SYS_fsmount, context.get(), kFsmountCloexec, 0)));
  if (!root.valid()) return last_error("mount file system tracefs");
  return root;
}

}  // namespace

Result<Tracepoints> Tracepoints::open() {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  for (const char* folder : {"/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"}) {
    FileDescriptor events(::open(folder, kFlags));
    if (events.valid()) return Tracepoints(std::move(events));
  }
  auto root = private_tracefs();
  if (!root) return root.error();
  FileDescriptor events(openat(root->get(), "events", kFlags));
  if (!events.valid()) return last_error("open events of tracefs");
  return Tracepoints(std::move(events));
}

Result<int> Tracepoints::id_of(const std::string& name) const {
  const std::string file = name + "/id";
  FileDescriptor fd(openat(events_.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return last_error("open tracepoint " + name);
  char text[32] = "";
  const ssize_t bytes = ::read(fd.get(), text, sizeof(text));
  int id = 0;
  if (bytes <= 0 || std::from_chars(text, text + bytes, id).ec != std::errc())
    return make_error(std::errc::bad_message, "read id of tracepoint " + name);
  return id;
}

}  // namespace sockward
