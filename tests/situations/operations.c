// The operations of a plan (victim.c), and the table of their names.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "operations.h"

enum { kSockets = 512 };

struct result* results;
static int sockets[kSockets];

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void spin(long microseconds) {
  const int64_t end = now() + microseconds * 1000;
  while (now() < end) {
  }
}

static int fd(struct op* op, int argument) {
  const long slot = op->number[argument];
  return slot >= 0 && slot < kSockets ? sockets[slot] : -1;
}

static long keep(long slot, long made) {
  if (made >= 0 && slot >= 0 && slot < kSockets) sockets[slot] = (int)made;
  return made;
}

static long do_socket(struct op* op) {
  return keep(op->number[0],
              socket((int)op->number[1], (int)op->number[2] | SOCK_CLOEXEC, (int)op->number[3]));
}
static long do_opt(struct op* op) {
  return setsockopt(fd(op, 0), (int)op->number[1], (int)op->number[2], op->bytes[3], op->length[3]);
}
// The length may say more or less than there is: bytes are followed by zeros.
static long do_bind(struct op* op) {
  return syscall(SYS_bind, fd(op, 0), op->bytes[1], op->number[2]);
}
static long do_connect(struct op* op) {
  return syscall(SYS_connect, fd(op, 0), op->bytes[1], op->number[2]);
}
static long do_listen(struct op* op) {
  return listen(fd(op, 0), (int)op->number[1]);
}
static long do_accept(struct op* op) {
  return keep(op->number[1], accept(fd(op, 0), NULL, NULL));
}
static long do_close(struct op* op) {
  const int old = fd(op, 0);
  keep(op->number[0], 0);
  return close(old);
}
static long do_pair(struct op* op) {
  int made[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, made) != 0) return -1;
  keep(op->number[0], made[0]);
  return keep(op->number[1], made[1]);
}
static long do_nonblock(struct op* op) {
  return fcntl(fd(op, 0), F_SETFL, O_NONBLOCK);
}
static long do_shutdown(struct op* op) {
  return shutdown(fd(op, 0), (int)op->number[1]);
}

static long do_send(struct op* op) {
  char byte = 'x';
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof(control));
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
  const int passed = fd(op, 1);
  control.head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
  return sendmsg(fd(op, 0), &message, 0);
}

static long do_recv(struct op* op) {
  char byte;
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
  if (recvmsg(fd(op, 0), &message, MSG_CMSG_CLOEXEC) < 0 || message.msg_controllen == 0) return -1;
  int passed;
  memcpy(&passed, CMSG_DATA(&control.head), sizeof(int));
  return keep(op->number[1], passed);
}

// sendto, sendmsg and sendmmsg: socket, address, its length (0: none), bytes to send, flags.
struct datagram {
  struct iovec data;
  struct mmsghdr message;
};
static struct datagram datagram_of(struct op* op) {
  static char text[1 << 16];
  struct datagram made = {.data = {text, (size_t)op->number[3]}};
  if (op->number[2] > 0) {
    made.message.msg_hdr.msg_name = op->bytes[1];
    made.message.msg_hdr.msg_namelen = (socklen_t)op->number[2];
  }
  made.message.msg_hdr.msg_iovlen = 1;
  return made;
}
static long do_sendto(struct op* op) {
  struct datagram what = datagram_of(op);
  return syscall(SYS_sendto, fd(op, 0), what.data.iov_base, what.data.iov_len, op->number[4],
                 what.message.msg_hdr.msg_name, what.message.msg_hdr.msg_namelen);
}
static long do_sendmsg(struct op* op) {
  struct datagram what = datagram_of(op);
  what.message.msg_hdr.msg_iov = &what.data;
  return syscall(SYS_sendmsg, fd(op, 0), &what.message.msg_hdr, op->number[4]);
}
static long do_sendmmsg(struct op* op) {
  struct datagram what = datagram_of(op);
  what.message.msg_hdr.msg_iov = &what.data;
  return syscall(SYS_sendmmsg, fd(op, 0), &what.message, 1, op->number[4]);
}
// TCP Fast Open: a connect by sendto.
static long do_fastopen(struct op* op) {
  return syscall(SYS_sendto, fd(op, 0), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, op->bytes[1], op->number[2]);
}
// Sends without waiting until there is no room: how many went.
static long do_fill(struct op* op) {
  struct datagram what = datagram_of(op);
  for (long sent = 0;; ++sent)
    if (syscall(SYS_sendto, fd(op, 0), what.data.iov_base, what.data.iov_len, MSG_DONTWAIT,
                what.message.msg_hdr.msg_name, what.message.msg_hdr.msg_namelen) < 0)
      return errno == EAGAIN ? sent : -1;
}

static long do_poll(struct op* op) {
  struct pollfd one = {.fd = fd(op, 0), .events = POLLOUT};
  return poll(&one, 1, (int)op->number[1]);
}
// How a connect ended that did not wait: fails as that did (SO_ERROR), or with EINPROGRESS when it has not
// ended after so many milliseconds.
static long do_ended(struct op* op) {
  struct pollfd one = {.fd = fd(op, 0), .events = POLLOUT};
  if (poll(&one, 1, (int)op->number[1]) == 0) {
    errno = EINPROGRESS;
    return -1;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(one.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -1;
  errno = error;
  return error == 0 ? 0 : -1;
}

static long do_unlink(struct op* op) {
  return syscall(SYS_unlink, op->bytes[0]);
}
static long do_unlinkat(struct op* op) {
  return syscall(SYS_unlinkat, op->number[0] < 0 ? AT_FDCWD : fd(op, 0), op->bytes[1], op->number[2]);
}
static long do_mkdir(struct op* op) {
  return mkdir(op->bytes[0], (mode_t)op->number[1]);
}
static long do_mknod(struct op* op) {
  return mknod(op->bytes[0], (mode_t)op->number[1], 0);
}
static long do_symlink(struct op* op) {
  return symlink(op->bytes[0], op->bytes[1]);
}
static long do_link(struct op* op) {
  return link(op->bytes[0], op->bytes[1]);
}
static long do_rename(struct op* op) {
  return rename(op->bytes[0], op->bytes[1]);
}
static long do_exchange(struct op* op) {
  return renameat2(AT_FDCWD, op->bytes[0], AT_FDCWD, op->bytes[1], RENAME_EXCHANGE);
}
static long do_chmod(struct op* op) {
  return chmod(op->bytes[0], (mode_t)op->number[1]);
}
static long do_chown(struct op* op) {
  return lchown(op->bytes[0], (uid_t)op->number[1], (gid_t)op->number[2]);
}
static long do_chdir(struct op* op) {
  return chdir(op->bytes[0]);
}
static long do_chroot(struct op* op) {
  return chroot(op->bytes[0]);
}
// A third number: the file descriptor that it shall have.
static long do_open(struct op* op) {
  const int made = open(op->bytes[1], (int)op->number[2] | O_CLOEXEC, 0600);
  return keep(op->number[0], op->text[3] != NULL ? dup2(made, (int)op->number[3]) : made);
}
static long do_openat2(struct op* op) {
  struct open_how how = {.flags = (uint64_t)op->number[1], .resolve = (uint64_t)op->number[2]};
  return syscall(SYS_openat2, AT_FDCWD, op->bytes[0], &how, sizeof(how));
}
static long do_write(struct op* op) {
  const int file = open(op->bytes[0], O_WRONLY | O_CLOEXEC);
  const long written = file < 0 ? -1 : write(file, op->bytes[1], op->length[1]);
  if (file >= 0) close(file);
  return written;
}
static long do_mount(struct op* op) {
  return mount(op->bytes[0], op->bytes[1], op->bytes[2], (unsigned long)op->number[3], op->bytes[4]);
}
static long do_umount(struct op* op) {
  return umount2(op->bytes[0], (int)op->number[1]);
}

static long do_hostname(struct op* op) {
  return syscall(SYS_sethostname, op->bytes[0], op->number[1]);
}
static long do_domainname(struct op* op) {
  return syscall(SYS_setdomainname, op->bytes[0], op->number[1]);
}

// The signal at the parent's end is forgotten when credentials change. A child may outlive its parent.
bool bound_to_parent = true;
long stay_bound(long value) {
  if (bound_to_parent) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return value;
}
static long do_uid(struct op* op) {
  return stay_bound(syscall(SYS_setresuid, op->number[0], op->number[1], op->number[2]));
}
static long do_gid(struct op* op) {
  return stay_bound(syscall(SYS_setresgid, op->number[0], op->number[1], op->number[2]));
}
static long do_groups(struct op* op) {
  gid_t list[kArguments];
  size_t count = 0;
  while (count < kArguments && op->text[count] != NULL && op->text[count][0] != '-') {
    list[count] = (gid_t)op->number[count];
    ++count;
  }
  return syscall(SYS_setgroups, count, list);
}
static long do_fsuid(struct op* op) {
  syscall(SYS_setfsuid, op->number[0]);
  return stay_bound(0);
}
static long do_fsgid(struct op* op) {
  syscall(SYS_setfsgid, op->number[0]);
  return stay_bound(0);
}
// What is left of the capabilities that it has: a mask.
static long do_caps(struct op* op) {
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data) != 0) return -1;
  for (int word = 0; word < 2; ++word) {
    const uint32_t left = (uint32_t)((uint64_t)op->number[0] >> (32 * word));
    data[word].effective &= left;
    data[word].permitted &= left;
    data[word].inheritable = 0;
  }
  return stay_bound(syscall(SYS_capset, &head, data));
}

// Loopback of the network namespace, which is down in a new one.
static long do_lo(struct op* op) {
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = op->number[0] != 0 ? IFF_UP : 0;
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const long changed = ioctl(any, SIOCSIFFLAGS, &request);
  close(any);
  return changed;
}
static long do_unshare(struct op* op) {
  return unshare((int)op->number[0]);
}
static long do_setns(struct op* op) {
  const int space = open(op->bytes[0], O_RDONLY | O_CLOEXEC);
  const long moved = space < 0 ? -1 : setns(space, (int)op->number[1]);
  if (space >= 0) close(space);
  return moved;
}
static long do_seccomp(struct op* op) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)op->number[0], 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)op->number[1]),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
static long do_dumpable(struct op* op) {
  return prctl(PR_SET_DUMPABLE, op->number[0]);
}
static long do_comm(struct op* op) {
  return prctl(PR_SET_NAME, op->text[0]);
}

static long do_say(struct op* op) {
  (void)op;
  return write(5, "x", 1);
}
static long do_wait(struct op* op) {
  (void)op;
  char byte;
  return read(6, &byte, 1);
}
static long do_at(struct op* op) {
  const int64_t end = now() + 10000000000LL;
  while (!results[op->number[0]].done)
    if (now() > end) _exit(3);
  return 0;
}
static long do_sleep(struct op* op) {
  return usleep((useconds_t)op->number[0]);
}
static long do_spin(struct op* op) {
  spin(op->number[0]);
  return 0;
}
static long do_stay(struct op* op) {
  (void)op;
  for (;;) pause();
  return 0;
}
static long do_exit(struct op* op) {
  _exit((int)op->number[0]);
}

static const struct {
  const char* name;
  long (*run)(struct op*);
} kTable[] = {
    {"socket", do_socket},
    {"opt", do_opt},
    {"bind", do_bind},
    {"connect", do_connect},
    {"listen", do_listen},
    {"accept", do_accept},
    {"close", do_close},
    {"pair", do_pair},
    {"nonblock", do_nonblock},
    {"shutdown", do_shutdown},
    {"send", do_send},
    {"recv", do_recv},
    {"sendto", do_sendto},
    {"sendmsg", do_sendmsg},
    {"sendmmsg", do_sendmmsg},
    {"fastopen", do_fastopen},
    {"fill", do_fill},
    {"poll", do_poll},
    {"ended", do_ended},
    {"unlink", do_unlink},
    {"unlinkat", do_unlinkat},
    {"mkdir", do_mkdir},
    {"mknod", do_mknod},
    {"symlink", do_symlink},
    {"link", do_link},
    {"rename", do_rename},
    {"exchange", do_exchange},
    {"chmod", do_chmod},
    {"chown", do_chown},
    {"chdir", do_chdir},
    {"chroot", do_chroot},
    {"open", do_open},
    {"openat2", do_openat2},
    {"write", do_write},
    {"mount", do_mount},
    {"umount", do_umount},
    {"hostname", do_hostname},
    {"domainname", do_domainname},
    {"uid", do_uid},
    {"gid", do_gid},
    {"groups", do_groups},
    {"fsuid", do_fsuid},
    {"fsgid", do_fsgid},
    {"caps", do_caps},
    {"unshare", do_unshare},
    {"setns", do_setns},
    {"lo", do_lo},
    {"seccomp", do_seccomp},
    {"comm", do_comm},
    {"dumpable", do_dumpable},
    {"say", do_say},
    {"wait", do_wait},
    {"at", do_at},
    {"sleep", do_sleep},
    {"spin", do_spin},
    {"stay", do_stay},
    {"exit", do_exit},
};

long (*find_operation(const char* name))(struct op*) {
  for (size_t n = 0; n < sizeof(kTable) / sizeof(kTable[0]); ++n)
    if (strcmp(kTable[n].name, name) == 0) return kTable[n].run;
  return NULL;
}
