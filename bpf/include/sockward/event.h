/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wire format of the records that the BPF programs put into the ring buffer.
 * Included by the BPF programs (C) and by the agent (C++). Fixed-width fields, no
 * pointers, no implicit padding. Never reorder: append, and raise SOCKWARD_WIRE_VERSION.
 *
 * A record is one of the structs below that begin with the header and the bytes that follow it: header.size
 * in all.
 */
#ifndef SOCKWARD_EVENT_H
#define SOCKWARD_EVENT_H

#include <linux/types.h>

#include <sockward/calls.h>

#define SOCKWARD_WIRE_VERSION 5

/* How the call reached the kernel. */
enum sockward_via {
	SOCKWARD_VIA_SYSCALL = 0,
	SOCKWARD_VIA_SYSCTL = 1,
	SOCKWARD_VIA_IO_URING = 2,
	SOCKWARD_VIA_COMPAT = 3,
};

enum sockward_flag {
	SOCKWARD_ADDRESS_FAULT = 1 << 0, /* the socket address could not be read */
	SOCKWARD_ADDRESS_CLIPPED = 1 << 1, /* it is longer than what was copied */
	SOCKWARD_ADDRESS_KERNEL = 1 << 2, /* it is the kernel's own copy, not user memory */
	SOCKWARD_PATH_FAULT = 1 << 3,
	SOCKWARD_PATH_CLIPPED = 1 << 4,
	SOCKWARD_PATH2_FAULT = 1 << 5,
	SOCKWARD_PATH2_CLIPPED = 1 << 6,
	SOCKWARD_DIR_CLIPPED = 1 << 7, /* the directory has more components than were walked */
	SOCKWARD_DIR_UNREACHABLE = 1 << 8, /* the directory does not lie below the caller's root */
	SOCKWARD_DIR_UNKNOWN = 1 << 9, /* dirfd is not an open file */
	SOCKWARD_ARGUMENT_FAULT = 1 << 10, /* struct open_how could not be read */
	SOCKWARD_OLD_NAME_AT_EXIT = 1 << 11, /* no entry was seen: old name is the one at exit */
	SOCKWARD_NAME_FAULT = 1 << 12, /* the name asked for could not be read */
	SOCKWARD_NAME_CLIPPED = 1 << 13,
	SOCKWARD_SECCOMP_REFUSED = 1 << 14, /* the exit was seen without the entry: a filter's verdict */
	SOCKWARD_FIRST_NAME = 1 << 15, /* first change of this name since its UTS namespace was made */
	SOCKWARD_NAME_REPLACED = 1 << 16, /* another socket file had this very name: replaced_* say which */
	SOCKWARD_LSM_REFUSED = 1 << 17, /* a security module's own answer was seen */
	SOCKWARD_CGROUP_REFUSED = 1 << 18, /* so was that of BPF programs on the cgroup */
	SOCKWARD_GROUPS_KNOWN = 1 << 19, /* header.groups and groups_total are filled */
	SOCKWARD_ADDRESS_OF_PEER = 1 << 20, /* a send without one: it is the connected peer's */
	SOCKWARD_PEER_QUEUE_FULL = 1 << 21, /* the queue of that peer was full when the send returned */
	SOCKWARD_SEND_BUFFER_FULL = 1 << 22, /* so was what the sending socket may have under way */
	SOCKWARD_KERNEL_ANSWERED = 1 << 23, /* openat2 and its like: no seccomp filter made up the error */
	SOCKWARD_HOLDER_SEEN = 1 << 24, /* bind: struct sockward_binder of the holder ends the record */
};

/* What a socket shares its address with. */
enum sockward_sharing {
	SOCKWARD_V6ONLY = 1 << 0, /* an IPv6 socket that takes no IPv4 */
	SOCKWARD_REUSEPORT = 1 << 1, /* others of the same user may have the port too (SO_REUSEPORT) */
	SOCKWARD_REUSEADDR = 1 << 2, /* so may others, while nobody listens (SO_REUSEADDR) */
	SOCKWARD_LISTENED = 1 << 3, /* binders only: it was listening when it was released */
	SOCKWARD_FOUND_GONE = 1 << 4, /* binders only: released_ns is when it was found to be gone */
	SOCKWARD_HAS_OPEN = 1 << 5, /* binders in records only: had the socket open at the return */
};

/* What the network namespace had of an IPv6 address when the call returned. */
enum sockward_address_state {
	SOCKWARD_ADDRESS_UNKNOWN = 0, /* not looked at, or too many interfaces or addresses */
	SOCKWARD_ADDRESS_ABSENT = 1, /* no interface has it */
	SOCKWARD_ADDRESS_USABLE = 2,
	SOCKWARD_ADDRESS_TENTATIVE = 3, /* duplicate address detection has not finished */
	SOCKWARD_ADDRESS_DUPLICATE = 4, /* it failed: another host has the address */
	SOCKWARD_ADDRESS_FAMILY_OFF = 5, /* loopback, and IPv6 is switched off there (disable_ipv6) */
};

/* How a TCP connect ended. */
enum sockward_outcome {
	SOCKWARD_OUTCOME_NONE = 0, /* no TCP connect, or not known */
	SOCKWARD_OUTCOME_ESTABLISHED = 1,
	SOCKWARD_OUTCOME_REFUSED = 2, /* by a reset, or by ICMP that says so */
	SOCKWARD_OUTCOME_UNREACHABLE = 3, /* no route, no neighbour, or another ICMP answer */
	SOCKWARD_OUTCOME_TIMED_OUT = 4, /* the kernel gave up */
	SOCKWARD_OUTCOME_GIVEN_UP = 5, /* the program did: it closed the socket before an answer */
	SOCKWARD_OUTCOMES,
};

struct sockward_header {
	__u64 time_ns; /* CLOCK_MONOTONIC, when the call returned */
	__u64 sequence; /* of this probe on this CPU, from 1: gaps are losses, repeats duplicates */
	__u64 container_key; /* cgroup id (kernfs) in the hierarchy chosen at start */
	__u64 leader_start_ns; /* CLOCK_BOOTTIME start of the thread group; with tgid it names a process */
	__u64 cap_effective; /* effective capabilities, in the user namespace below */
	__u32 tgid, tid; /* as seen in the initial pid namespace */
	__u32 uid; /* as seen in the initial user namespace */
	__u32 netns, utsns, pidns, mntns, userns; /* inode numbers; reusable after the namespace dies */
	__s32 result; /* 0 or more, or -errno; restart codes (-512..-516) come as -EINTR */
	__u32 flags; /* enum sockward_flag */
	__u16 cpu, probe; /* the sequence's CPU and enum sockward_probe */
	__u16 kind, size; /* enum sockward_kind; bytes of this record, header included */
	__u8 syscall, via; /* enum sockward_syscall, enum sockward_via */
	__u16 version; /* SOCKWARD_WIRE_VERSION */
	__u32 fsuid; /* what permission checks on files go by; initial user namespace */
	char comm[16]; /* of the group leader; NUL-terminated, NOT trusted to be printable */
	__u64 root_inode; /* of the caller's root directory: identifies a chroot */
	__u32 root_device; /* the kernel's dev_t: major << 20 | minor */
	__u32 suppressed; /* records like this one that were suppressed since the last one */
	__u64 mount_event; /* event counter of the mount namespace (fs/mount.h); 0: not known here */
	__u64 working_inode; /* of the thread's working directory */
	__u32 working_device; /* the kernel's dev_t */
	__u32 fsgid; /* what permission checks on files go by; initial user namespace */
	/*
	 * Supplementary groups: so many numbers of 4 bytes behind all but the holder, and how many the caller
	 * has. Only of calls that were refused with EACCES or EPERM.
	 */
	__u16 groups, groups_total;
	__u32 reserved; /* 0 */
};
static_assert(sizeof(struct sockward_header) == 160, "wire format");

/* Copied of the supplementary groups at most. */
#define SOCKWARD_GROUPS_MAX 64

/* Copied of one socket address at most. The kernel itself takes no more than 128 bytes. */
#define SOCKWARD_ADDRESS_MAX 512
/* Copied of one path at most, its NUL included: PATH_MAX. */
#define SOCKWARD_PATH_MAX 4096
#define SOCKWARD_PATH2_MAX 1024
/* A relative name's directory: components, leaf first, each ended by NUL. */
#define SOCKWARD_DIR_DEPTH 32
#define SOCKWARD_DIR_MAX 2048
#define SOCKWARD_COMPONENT_MAX 256

/*
 * bind, connect, listen, and sends. Followed by address_bytes of the address and directory_bytes of
 * components; with SOCKWARD_HOLDER_SEEN by who holds the name.
 */
struct sockward_socket_call {
	struct sockward_header header;
	__s32 fd;
	__s32 address_length; /* addrlen as the caller passed it (listen: the backlog) */
	__u16 family, type, protocol; /* of the socket behind fd; all 0 when fd is no socket */
	__u16 port_start; /* net.ipv4.ip_unprivileged_port_start of the socket's namespace */
	__u32 socket_netns; /* inode of the socket's network namespace */
	__u32 owner_userns; /* user namespace that owns it */
	__u16 address_bytes, directory_bytes;
	__u16 bound_port; /* local port of an inet socket after the call, host order */
	__u16 is_socket; /* 1 when fd is a socket */
	__u64 replaced_device, replaced_inode; /* the kernel's dev_t; valid with SOCKWARD_NAME_REPLACED */
	__u32 bound_device; /* index of the interface that the socket is bound to; 0: none */
	__u32 sharing; /* enum sockward_sharing */
	__u32 socket_uid; /* who made the socket (sk_uid): SO_REUSEPORT goes by it; initial user namespace */
	__u16 own_port_low, own_port_high; /* IP_LOCAL_PORT_RANGE of the socket (6.3); 0: not set */
	__u16 port_low, port_high; /* net.ipv4.ip_local_port_range of its namespace; 0: not known */
	__u16 state; /* of the socket after the call: TCP_ESTABLISHED … */
	__u16 locks; /* sk_userlocks: SOCK_BINDADDR_LOCK 4, SOCK_BINDPORT_LOCK 8 */
	__u8 source[28]; /* connect: the socket's own address as a sockaddr; family 0: it has none */
	/* enum sockward_address_state; of an IPv6 address that could not be used (EADDRNOTAVAIL) */
	__u32 address_state;
	/* A TCP connect that came to nothing after its SYN was sent; all 0 otherwise. */
	__u64 elapsed_ns; /* from the first SYN to the end */
	__u32 syns; /* sent */
	__u16 outcome; /* enum sockward_outcome */
	__u16 answered; /* 1: a TCP segment came back: a refusal is a reset; 0: nothing, or ICMP */
};
static_assert(sizeof(struct sockward_socket_call) == 160 + 120, "wire format");

/*
 * unlink, unlinkat, openat2, open_tree, mount, move_mount. Followed by the path, path2 (the source of mount
 * and move_mount) and the directory's components.
 */
struct sockward_path_call {
	struct sockward_header header;
	__s32 dirfd; /* AT_FDCWD (-100) when the call has none */
	__u32 call_flags; /* unlinkat: flags; openat2: how.flags; open_tree, move_mount: flags */
	__u64 resolve; /* openat2: how.resolve */
	__u16 path_bytes, path2_bytes, directory_bytes; /* without the NUL */
	__u16 reserved;
};
static_assert(sizeof(struct sockward_path_call) == 160 + 24, "wire format");

#define SOCKWARD_HOSTNAME_MAX 65 /* __NEW_UTS_LEN + 1 */
#define SOCKWARD_ASKED_MAX 128
#define SOCKWARD_ANCESTORS_MAX 6

/* A process from which the caller descends. */
struct sockward_ancestor {
	__u32 tgid; /* in the initial pid namespace */
	char comm[16]; /* NUL-terminated, NOT trusted to be printable */
};

/* sethostname, setdomainname, and writes through sysctl. */
struct sockward_name_call {
	struct sockward_header header;
	__s32 asked_length; /* as passed; for sysctl the bytes of the write */
	__u32 file_position; /* sysctl only */
	__u32 owner_userns; /* user namespace that owns the UTS namespace */
	__u16 asked_bytes; /* copied into asked[] */
	__u8 domain; /* 1 = domain name, 0 = host name */
	__u8 reserved;
	char old_name[72]; /* NUL-terminated, 64 bytes at most */
	char new_name[72]; /* what the namespace holds after the call (sysctl: what it will hold) */
	__u8 asked[SOCKWARD_ASKED_MAX];
	__u32 ancestor_count, reserved2;
	struct sockward_ancestor ancestors[SOCKWARD_ANCESTORS_MAX]; /* the parent first */
};
static_assert(sizeof(struct sockward_name_call) == 160 + 16 + 144 + 128 + 8 + 120, "wire format");

/* Copied of one argument at most. */
#define SOCKWARD_ARGUMENT_MAX 1024

/* exec with an argument that may hold a socket path which does not fit. Followed by argument_bytes of it. */
struct sockward_long_argument {
	struct sockward_header header;
	__u32 index; /* of the argument */
	__u16 argument_bytes;
	__u8 clipped, reserved; /* 1: the argument is longer than what was copied */
	char before[32]; /* the argument before it, cut; NUL-terminated */
};
static_assert(sizeof(struct sockward_long_argument) == 160 + 40, "wire format");

/* Why a process is watched until its end. */
enum sockward_watch {
	SOCKWARD_WATCH_BINDER = 1 << 0, /* it bound a socket file */
	SOCKWARD_WATCH_ARGUMENT = 1 << 1, /* sockward_long_argument was sent for it */
	SOCKWARD_WATCH_MESSAGE = 1 << 2, /* what it writes is kept (probes.stderr_text) */
};

/* Kept at most of what a process wrote last. */
#define SOCKWARD_MESSAGE_MAX 1024

/*
 * A watched process has ended: its last thread is gone. Its files are closed a moment later. Followed by
 * message_bytes of what it wrote last, when it failed and that was kept.
 */
struct sockward_process_exit {
	struct sockward_header header;
	__s32 status; /* as wait(2) has it */
	__u32 watch; /* enum sockward_watch */
	__u16 message_bytes, reserved[3];
};
static_assert(sizeof(struct sockward_process_exit) == 160 + 16, "wire format");

/* What the task iterator writes for each thread group. */
struct sockward_uts_entry {
	__u32 utsns, tgid, owner_userns, mntns;
	__u64 container_key;
	__u64 mount_event; /* of mntns; 0: not known on this kernel */
	char hostname[72];
	char domainname[72];
};
static_assert(sizeof(struct sockward_uts_entry) == 32 + 144, "wire format");

/* Kinds of bound names, and what their bytes hold. */
enum sockward_name_kind {
	SOCKWARD_NAME_INET = 1, /* bytes: struct sockward_inet_name */
	SOCKWARD_NAME_ABSTRACT = 2, /* bytes: the name, without its leading NUL */
	SOCKWARD_NAME_NETLINK = 4, /* bytes: struct sockward_netlink_name */
	SOCKWARD_NAME_PATH = 3, /* bytes: struct sockward_file_name; netns 0 */
};

struct sockward_inet_name {
	__u16 family, protocol, port, reserved;
	__u8 address[16]; /* AF_INET: the first four */
};

struct sockward_netlink_name {
	__u32 port; /* the port id */
	__u16 protocol, reserved; /* NETLINK_ROUTE … */
};

struct sockward_file_name {
	__u64 device; /* the kernel's dev_t: major << 20 | minor */
	__u64 inode;
};

#define SOCKWARD_NAME_MAX 112

/* A bound name. Unused bytes are 0. The name table finds it by its hash (sockward/hash.h). */
struct sockward_bound_name {
	__u32 netns;
	__u16 kind, size; /* enum sockward_name_kind; bytes in use */
	__u8 bytes[SOCKWARD_NAME_MAX];
};
static_assert(sizeof(struct sockward_bound_name) == 120, "no padding");

/* So many names of the name table are looked at in one go: entries of looked_names, up to one of kind 0. */
#define SOCKWARD_LOOKED_NAMES 1024

/* Who bound it. */
struct sockward_binder {
	/* CLOCK_MONOTONIC, when bind returned; of what is older than the agent: when it was found */
	__u64 time_ns;
	__u64 leader_start_ns;
	__u64 container_key;
	__u64 socket_inode; /* of the socket, in sockfs: one bind, one number */
	__u64 released_ns; /* CLOCK_MONOTONIC, when the socket was released; 0: not, or not seen */
	__u32 tgid, uid, pidns;
	__u32 bound_device; /* index of the interface that the socket is bound to; 0: none */
	__u32 sharing; /* enum sockward_sharing */
	__u32 mntns; /* of the process */
	__u32 socket_uid; /* who made the socket (sk_uid) */
	/* Of a socket file's inode (i_generation): a number that is used again has another one. */
	__u32 generation;
	__u64 sock; /* where the kernel keeps the socket: to find out whether it is still bound */
	__u64 leader; /* the same of the process: whether it still has the socket open */
	__u64 listening_ns; /* CLOCK_MONOTONIC, when listen returned first; 0: not seen */
	__s32 fd; /* of the socket when it was bound, or found; negative: it had none */
	__u32 reserved;
	char comm[16];
};
static_assert(sizeof(struct sockward_binder) == 120, "no padding");

/* Value of the name table; its key is sockward_name_hash() of the name. */
struct sockward_named_binder {
	struct sockward_bound_name name;
	struct sockward_binder binder;
};
static_assert(sizeof(struct sockward_named_binder) == 120 + 120, "no padding");

/* The place of a socket file in its directory: key of bound_entries. */
struct sockward_directory_entry {
	struct sockward_file_name directory;
	__u64 name_hash; /* the kernel's own, of the last component */
};
static_assert(sizeof(struct sockward_directory_entry) == 24, "no padding");

/* What the file iterator writes for each descriptor of a bound socket. */
struct sockward_open_socket {
	struct sockward_bound_name name;
	struct sockward_binder owner; /* who has it open; time_ns is 0 */
	struct sockward_directory_entry entry; /* of a socket file */
	__u32 fd;
	__u16 type, state; /* SOCK_STREAM …; TCP_LISTEN is 10, established 1, neither 7 */
	__u32 links; /* of a socket file: 0 when its name was removed */
	__u16 path_bytes, reserved;
	char path[112]; /* of a socket file, as it was bound; not NUL-terminated */
	/* Of a listener: connections that wait to be accepted, and how many may; of AF_UNIX: datagrams. */
	__u32 queue, backlog;
};
static_assert(sizeof(struct sockward_open_socket) == 120 + 120 + 24 + 16 + 112 + 8, "no padding");

/* So many abstract names can be looked for in one pass of the file iterator. */
#define SOCKWARD_FILTER_NAMES 256

/* Sockets of which there are many. Listeners, and idle ones with a file, are not among them. */
enum sockward_many {
	SOCKWARD_MANY_INET_CONNECTIONS = 0,
	SOCKWARD_MANY_OTHER_CONNECTIONS = 1,
	SOCKWARD_MANY_INET_IDLE = 2,
	SOCKWARD_MANY_OTHER_IDLE = 3,
};

/* Which sockets the file iterator writes. All 0: every bound one. */
struct sockward_socket_filter {
	__u32 on; /* 0: every bound socket, else only what follows */
	__u32 paths, netlink; /* 1: all of this kind */
	__u32 reserved;
	__u64 most[4]; /* that are written, by enum sockward_many; 0: any number */
	/* Counted by the program: what it met, and what it did not write. */
	__u64 met[4], left_out[5]; /* by enum sockward_many; by enum sockward_name_kind */
	__u64 name_lengths[2]; /* a bit for the length of each abstract name that is looked for */
	__u64 ports[1024]; /* a bit for each port, of any protocol and address */
};
static_assert(sizeof(struct sockward_socket_filter) == 16 + 64 + 40 + 16 + 8192, "no padding");

#endif
