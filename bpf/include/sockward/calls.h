/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is watched, as data, for both sides: numbers of calls and probes, rows of counters, scratch areas,
 * names and coverage follow from the two lists below.
 *
 * A new call is a line here. It moves the numbers behind it, so it comes with a new SOCKWARD_WIRE_VERSION
 * (event.h) and new values of what is asserted there, in counters.h and here. Counts of a previous agent
 * follow the name of their call (agent/probe/own_layout.cpp).
 */
#ifndef SOCKWARD_CALLS_H
#define SOCKWARD_CALLS_H

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

/*
 * X(CALL, call, kind, counted, …) for each watched call, in the order of their numbers.
 * kind: SOCKET (these come first: they have a row of counters for each address family), PATH or NAME.
 * counted: EVERY call, or ONLY_ELOOP. What follows the list's first argument is handed on to X.
 */
#define SOCKWARD_CALLS(X, ...)                                                                               \
	X(BIND, bind, SOCKET, EVERY, __VA_ARGS__)                                                            \
	X(CONNECT, connect, SOCKET, EVERY, __VA_ARGS__)                                                      \
	X(LISTEN, listen, SOCKET, EVERY, __VA_ARGS__)                                                        \
	X(SENDTO, sendto, SOCKET, EVERY, __VA_ARGS__)                                                        \
	X(SENDMSG, sendmsg, SOCKET, EVERY, __VA_ARGS__)                                                      \
	X(SENDMMSG, sendmmsg, SOCKET, EVERY, __VA_ARGS__)                                                    \
	X(UNLINK, unlink, PATH, EVERY, __VA_ARGS__)                                                          \
	X(UNLINKAT, unlinkat, PATH, EVERY, __VA_ARGS__)                                                      \
	X(SETHOSTNAME, sethostname, NAME, EVERY, __VA_ARGS__)                                                \
	X(SETDOMAINNAME, setdomainname, NAME, EVERY, __VA_ARGS__)                                            \
	X(OPENAT2, openat2, PATH, ONLY_ELOOP, __VA_ARGS__)                                                   \
	X(OPEN_TREE, open_tree, PATH, ONLY_ELOOP, __VA_ARGS__)                                               \
	X(MOUNT, mount, PATH, ONLY_ELOOP, __VA_ARGS__)                                                       \
	X(MOVE_MOUNT, move_mount, PATH, ONLY_ELOOP, __VA_ARGS__)

/*
 * X(VARIANT, variant, CALL, call, …) for each other way by which one of them comes to the kernel side, in the
 * order of the probes: through io_uring; refused by a filter before it began; of a 32-bit program; a connect
 * that ends after the call returned. One that is not here is served by the program of the call itself (compat
 * of the socket calls), or is not seen.
 */
#define SOCKWARD_VARIANTS(X, ...)                                                                            \
	X(URING, uring, BIND, bind, __VA_ARGS__)                                                             \
	X(URING, uring, CONNECT, connect, __VA_ARGS__)                                                       \
	X(DENIED, denied, BIND, bind, __VA_ARGS__)                                                           \
	X(DENIED, denied, CONNECT, connect, __VA_ARGS__)                                                     \
	X(DENIED, denied, LISTEN, listen, __VA_ARGS__)                                                       \
	X(DENIED, denied, UNLINK, unlink, __VA_ARGS__)                                                       \
	X(DENIED, denied, UNLINKAT, unlinkat, __VA_ARGS__)                                                   \
	X(COMPAT, compat, UNLINK, unlink, __VA_ARGS__)                                                       \
	X(COMPAT, compat, UNLINKAT, unlinkat, __VA_ARGS__)                                                   \
	X(COMPAT, compat, OPENAT2, openat2, __VA_ARGS__)                                                     \
	X(COMPAT, compat, OPEN_TREE, open_tree, __VA_ARGS__)                                                 \
	X(COMPAT, compat, MOUNT, mount, __VA_ARGS__)                                                         \
	X(COMPAT, compat, MOVE_MOUNT, move_mount, __VA_ARGS__)                                               \
	X(URING, uring, UNLINKAT, unlinkat, __VA_ARGS__)                                                     \
	X(DENIED, denied, SETHOSTNAME, sethostname, __VA_ARGS__)                                             \
	X(DENIED, denied, SETDOMAINNAME, setdomainname, __VA_ARGS__)                                         \
	X(COMPAT, compat, SETHOSTNAME, sethostname, __VA_ARGS__)                                             \
	X(COMPAT, compat, SETDOMAINNAME, setdomainname, __VA_ARGS__)                                         \
	X(LATER, later, CONNECT, connect, __VA_ARGS__)

/* What is counted of a call. */
enum sockward_counted { SOCKWARD_EVERY, SOCKWARD_ONLY_ELOOP };

/* Which struct follows the header of a record (event.h). */
enum sockward_kind {
	SOCKWARD_SOCKET_CALL = 1,
	SOCKWARD_PATH_CALL = 2,
	SOCKWARD_NAME_CALL = 3,
	SOCKWARD_LONG_ARGUMENT = 4,
	SOCKWARD_PROCESS_EXIT = 5,
};

#define SOCKWARD_NUMBER(CALL, call, kind, counted, ...) SOCKWARD_##CALL,
#define SOCKWARD_IS_SOCKET(CALL, call, kind, counted, ...) +(SOCKWARD_##kind##_CALL == SOCKWARD_SOCKET_CALL)
#define SOCKWARD_KIND(CALL, call, kind, counted, ...) SOCKWARD_KIND_OF_##CALL = SOCKWARD_##kind##_CALL,
#define SOCKWARD_PROBE_NUMBER(VARIANT, variant, CALL, call, ...) SOCKWARD_PROBE_##VARIANT##_##CALL,

/* Watched calls. */
enum sockward_syscall {
	SOCKWARD_CALLS(SOCKWARD_NUMBER) /* SOCKWARD_BIND … */
	SOCKWARD_SYSCALLS, /* those that are counted */
	SOCKWARD_SOCKET_CALLS = 0 SOCKWARD_CALLS(SOCKWARD_IS_SOCKET), /* the first so many of them */
	SOCKWARD_EXECVE = SOCKWARD_SYSCALLS, /* and execveat: only records, no counters */
};

/* The kind of each call: SOCKWARD_KIND_OF_BIND = SOCKWARD_SOCKET_CALL … */
enum sockward_kind_of_call { SOCKWARD_CALLS(SOCKWARD_KIND) };

/*
 * A probe has one number whatever its backend, and its own sequence of record numbers on each CPU. The first
 * probes are the calls, with the same numbers. Those that can be loaded at the same time have numbers of
 * their own: one may interrupt the other on a CPU.
 */
enum sockward_probe {
	SOCKWARD_PROBE_SYSCTL = SOCKWARD_SYSCALLS, /* host and domain names */
	SOCKWARD_PROBE_EXEC,
	SOCKWARD_PROBE_EXIT,
	SOCKWARD_VARIANTS(SOCKWARD_PROBE_NUMBER) /* SOCKWARD_PROBE_URING_BIND … */
	SOCKWARD_PROBES,
};

static_assert(SOCKWARD_BIND == 0 && SOCKWARD_SENDMMSG == SOCKWARD_SOCKET_CALLS - 1, "they come first");
static_assert(SOCKWARD_SOCKET_CALLS == 6 && SOCKWARD_UNLINKAT == 7 && SOCKWARD_SETDOMAINNAME == 9 &&
		      SOCKWARD_MOVE_MOUNT == 13 && SOCKWARD_SYSCALLS == 14,
	      "layout of records and of pinned counters");
static_assert(SOCKWARD_PROBE_URING_BIND == 17 && SOCKWARD_PROBE_DENIED_UNLINK == 22 &&
		      SOCKWARD_PROBE_URING_UNLINKAT == 30 && SOCKWARD_PROBE_DENIED_SETHOSTNAME == 31 &&
		      SOCKWARD_PROBE_COMPAT_SETDOMAINNAME == 34 && SOCKWARD_PROBE_LATER_CONNECT == 35 &&
		      SOCKWARD_PROBES == 36,
	      "record numbers in pinned maps");

#undef SOCKWARD_NUMBER
#undef SOCKWARD_IS_SOCKET
#undef SOCKWARD_KIND
#undef SOCKWARD_PROBE_NUMBER

/*
 * Which of the scratch areas for records of this kind is this probe's: how many probes of the kind come
 * before it. A constant where both arguments are; of SOCKWARD_PROBES it is the number of areas.
 */
#define SOCKWARD_AREA(kind, probe)                                                                           \
	(((kind) == SOCKWARD_NAME_CALL && SOCKWARD_PROBE_SYSCTL < (probe)) SOCKWARD_CALLS(                   \
		SOCKWARD_CALL_BEFORE, kind, probe) SOCKWARD_VARIANTS(SOCKWARD_VARIANT_BEFORE, kind, probe))
#define SOCKWARD_CALL_BEFORE(CALL, call, its_kind, counted, kind, probe)                                     \
	+(SOCKWARD_##its_kind##_CALL == (kind) && SOCKWARD_##CALL < (probe))
#define SOCKWARD_VARIANT_BEFORE(VARIANT, variant, CALL, call, kind, probe)                                   \
	+(SOCKWARD_KIND_OF_##CALL == (kind) && SOCKWARD_PROBE_##VARIANT##_##CALL < (probe))

#endif
