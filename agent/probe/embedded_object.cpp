#include "probe/embedded_object.hpp"

#include <linux/bpf.h>
#include <sockward/settings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include <sockward.skel.h>
#include <sockward_cast.skel.h>

#include "base/fnv1a.hpp"
#include "base/startup_error.hpp"
#include "probe/libbpf_log.hpp"

namespace sockward {
namespace {

using Bytes = std::span<const char>;

Bytes for_every_kernel() {
  std::size_t size = 0;
  const void* bytes = sockward_bpf::elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

Bytes with_casts() {
  std::size_t size = 0;
  const void* bytes = sockward_cast_bpf::elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

/// The object with calls of the kernel's function where the programs call SOCKWARD_CAST_CALL. libbpf 1.1
/// could fill it in by its name, but not link it out of two files.
std::vector<char> with_casts_by(std::uint32_t cast_function) {
  const Bytes object = with_casts();
  std::vector<char> bytes(object.begin(), object.end());
  const bpf_insn placeholder{.code = BPF_JMP | BPF_CALL, .imm = SOCKWARD_CAST_CALL};
  bpf_insn call = placeholder;
  call.src_reg = BPF_PSEUDO_KFUNC_CALL;
  call.imm = static_cast<__s32>(cast_function);
  // Instructions are aligned in their section, and the section in the object.
  for (std::size_t at = 0; at + sizeof(call) <= bytes.size(); at += sizeof(call))
    if (std::memcmp(&bytes[at], &placeholder, sizeof(call)) == 0)
      std::memcpy(&bytes[at], &call, sizeof(call));
  return bytes;
}

}  // namespace

void DestroySkeleton::operator()(sockward_bpf* skeleton) const noexcept {
  sockward_bpf::destroy(skeleton);
}

Skeleton open_skeleton(const ProbeOptions& options, std::uint32_t cast_function) {
  LIBBPF_OPTS(bpf_object_open_opts, open_options,
              .btf_custom_path = options.btf_path.empty() ? nullptr : options.btf_path.c_str());
  // As sockward_bpf::open() does it, which knows one form only. libbpf copies what it needs of the bytes.
  const std::vector<char> casts = cast_function != 0 ? with_casts_by(cast_function) : std::vector<char>();
  const Bytes object = cast_function != 0 ? Bytes(casts) : for_every_kernel();
  Skeleton skeleton(static_cast<sockward_bpf*>(std::calloc(1, sizeof(sockward_bpf))));
  int error = skeleton ? sockward_bpf__create_skeleton(skeleton.get()) : -ENOMEM;
  if (error == 0) {
    skeleton->skeleton->data = const_cast<char*>(object.data());
    skeleton->skeleton->data_sz = object.size();
    error = bpf_object__open_skeleton(skeleton->skeleton, &open_options);
  }
  if (error != 0)
    throw failure("cannot open the embedded BPF object: " + take_libbpf_warnings(),
                  "this is a defect of the build");
  return skeleton;
}

void release_objects() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (const Bytes object : {for_every_kernel(), with_casts()}) {
    auto* const start = const_cast<char*>(object.data());
    // Whole pages inside of it only. They are read-only and unchanged, so nothing can get lost.
    const std::size_t skip = (page - reinterpret_cast<std::uintptr_t>(start) % page) % page;
    if (object.size() > skip) madvise(start + skip, (object.size() - skip) / page * page, MADV_DONTNEED);
  }
}

std::uint64_t hash_of(const void* bytes, std::size_t size) {
  return fnv1a({static_cast<const char*>(bytes), size});
}

std::uint64_t objects_hash() {
  // Once: two megabytes.
  static const std::uint64_t known = [] {
    std::uint64_t hash = 0;
    for (const Bytes object : {for_every_kernel(), with_casts()})
      hash = hash * 31 + hash_of(object.data(), object.size());
    return hash;
  }();
  return known;
}

}  // namespace sockward
