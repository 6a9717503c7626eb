#pragma once
#include <sockward/settings.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/result.hpp"
#include "probe/counters_layout.hpp"
#include "probe/kernel_side.hpp"
#include "probe/loader.hpp"

namespace sockward {

/// Says whose pins these are and what they hold. Lies beside them, as the value of a map: the head, the
/// hand-over, the programs, the text of the layout. Another version of sockward must be able to read it, so
/// nothing of it changes without another number in kMagic.
struct PinIdentity {
  static constexpr char kMagic[16] = "sockward pins 3";
  /// Of versions before this: the head, whose last number was 0, and the programs.
  static constexpr char kMagicWithoutLayout[16] = "sockward pins 2";
  struct Head {
    char magic[16] = {};
    std::uint32_t counters_version = 0;  ///< with kMagicWithoutLayout it says the layout
    std::uint32_t generation = 0;
    std::uint64_t object_hash = 0;    ///< of the embedded BPF object
    std::uint64_t settings_hash = 0;  ///< of what the programs were told, but for their generation
    std::uint32_t programs = 0, layout_bytes = 0;
  };
  struct HandOver {
    std::uint32_t active_offset = 0;  ///< settings.active_offset of the programs
    /// The generation whose counts belong into these maps, while it is still there: an agent that died may
    /// not have carried them over. 0: none.
    std::uint32_t carries_from = 0;
  };
  struct Program {
    char name[64] = {};
    std::uint8_t tag[8] = {};  ///< bpf_prog_info.tag: a hash of its instructions
  };
  Head head;
  HandOver hand_over;
  std::vector<Program> programs;  ///< head.programs of them
  std::string layout;             ///< CountersLayout as text
};

/// What lies in the folder.
struct Pinned {
  /// Without programs, and with counters_version 0: pinned in a way of another version.
  PinIdentity identity;
  std::optional<CountersLayout> layout;  ///< of its counters; nullopt: this version does not know it
  KernelSide side;                       ///< without `probes`
};

/// A folder of bpffs where the kernel side lives on when the agent does not:
///
///   generation-<n>/maps/<name>        those that both use are in two generations
///   generation-<n>/programs/<name>
///   generation-<n>/links/<name>
///   generation-<n>/identity           comes last: without it the generation is incomplete
///
/// The folder has mode 0700 and belongs to us; anything else is refused. While this object lives, no other
/// agent can use the folder (flock(2)). Not thread-safe.
class PinFolder {
 public:
  /// Opens or makes it; mounts bpffs at its parent where nothing is mounted yet. Error: it cannot be had
  /// here. Throws StartupError: another agent uses it, or it is not ours.
  static Result<PinFolder> open(const std::string& path);

  /// Why no folder of bpffs can be made there; nullopt: nothing speaks against it. Changes nothing.
  static std::optional<std::string> obstacle(const std::string& path);

  /// The latest complete generation. Removes incomplete ones. nullopt: none.
  /// Throws StartupError: what lies there was not pinned by sockward, or has been changed. What another
  /// version pinned in a way that this one does not know is no error: it can be replaced, and not gone on
  /// with.
  std::optional<Pinned> read() const;
  /// The complete generation of this number. Throws as read() does.
  std::optional<Pinned> read(std::uint32_t generation) const;
  /// Pins all of it. On an error nothing of this generation is left.
  Result<bool> store(const KernelSide& side, const PinIdentity& identity) const;
  /// Removes every generation but this one; with 0 everything. What was pinned there is detached. The
  /// identities go first: what is removed in part only is not taken for complete. Error: one of them stays.
  Result<bool> remove_all_but(std::uint32_t generation) const;

  /// Programs attached by way of the folder, in all generations.
  std::size_t count_links() const;

 private:
  PinFolder(std::string path, FileDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string folder_of(std::uint32_t generation) const;
  std::vector<std::uint32_t> generations() const;

  std::string path_;
  FileDescriptor lock_;
};

/// Of what is loaded now. `settings`: as the programs were told.
PinIdentity identity_of(const KernelSide& side, const sockward_settings& settings, std::uint64_t object_hash);

/// Do the pins hold what this agent would load? Then it need not. Pure.
bool may_adopt(const PinIdentity& pinned, const PinIdentity& wanted);

/// The program that holds the lock on the folder, as far as /proc/locks tells: "sockward[42]".
std::string lock_holder(const std::string& path);

}  // namespace sockward
