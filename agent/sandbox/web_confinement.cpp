#include "sandbox/web_confinement.hpp"

#include <cap-ng.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <memory>

#include "base/file_descriptor.hpp"

namespace sockward {
namespace {

/// What threads that read and write open sockets call.
constexpr int kAllowed[] = {
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
    SCMP_SYS(fcntl),
    // files that may be read at all
    SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(lseek),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(pread64),
    // memory, threads, time
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(membarrier), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(prlimit64), SCMP_SYS(getrlimit)};

Error error_of(int number, const char* what) {
  return {std::error_code(number, std::generic_category()), what};
}

Result<bool> drop_all_capabilities() {
  if (capng_get_caps_process() != 0) return last_error("read the capabilities");
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
  capng_clear(CAPNG_SELECT_ALL);
  if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0) return last_error("empty the bounding set");
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return last_error("drop capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return last_error("set no_new_privs");
  return true;
}

/// All that the kernel's version of Landlock can refuse. 0: there is none.
std::uint64_t refusable() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return 0;
  constexpr std::uint64_t kFirst = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, kTruncate = 1 << 14;
  return kFirst | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (version >= 3 ? kTruncate : 0);
}

Result<bool> refuse_files_outside(const std::vector<std::string>& folders) {
  landlock_ruleset_attr attributes{.handled_access_fs = refusable()};
  if (attributes.handled_access_fs == 0) return true;
  const FileDescriptor rules(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!rules.valid()) return last_error("make a Landlock ruleset");
  for (const std::string& folder : folders) {
    const FileDescriptor open_folder(open(folder.c_str(), O_PATH | O_CLOEXEC));
    if (!open_folder.valid()) return last_error("open " + folder);
    const landlock_path_beneath_attr beneath{
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = open_folder.get()};
    if (syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
      return last_error("allow " + folder + " by Landlock");
  }
  if (syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return last_error("restrict by Landlock");
  return true;
}

struct ReleaseFilter {
  void operator()(scmp_filter_ctx filter) const noexcept { seccomp_release(filter); }
};

int add_rules(scmp_filter_ctx filter, bool may_open) {
  for (const int call : kAllowed)
    if (const int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); failed != 0) return failed;
  const auto masked = [&](int call, unsigned argument, std::uint64_t mask, std::uint64_t value) {
    const scmp_arg_cmp compare{argument, SCMP_CMP_MASKED_EQ, mask, value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &compare);
  };
  int failed = masked(SCMP_SYS(mmap), 2, PROT_EXEC, 0);
  if (failed == 0) failed = masked(SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
  // Threads, no processes: what clone3 is asked for lies in memory, where a filter cannot look; glibc falls
  // back to clone.
  if (failed == 0) failed = masked(SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
  if (failed == 0) failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  constexpr std::uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  if (failed == 0 && may_open) failed = masked(SCMP_SYS(openat), 2, kWriting, O_RDONLY);
  return failed;
}

Result<bool> allow_few_calls(bool may_open) {
  const std::unique_ptr<void, ReleaseFilter> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return make_error(std::errc::not_enough_memory, "make a seccomp filter");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree: few steps for each call
  if (const int failed = add_rules(filter.get(), may_open); failed != 0)
    return error_of(-failed, "add a rule to the seccomp filter");
  if (const int failed = seccomp_load(filter.get()); failed != 0)
    return error_of(-failed, "load the seccomp filter");
  return true;
}

}  // namespace

Result<bool> confine_web_thread(const std::vector<std::string>& folders, bool seccomp) {
  if (const auto done = drop_all_capabilities(); !done) return done.error();
  if (const auto done = refuse_files_outside(folders); !done) return done.error();
  return seccomp ? allow_few_calls(!folders.empty()) : Result<bool>(true);
}

}  // namespace sockward
