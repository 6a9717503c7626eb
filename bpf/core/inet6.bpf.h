/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a network namespace has of an IPv6 address while a call that could not use it returns: afterwards it
 * may be another answer, or the namespace gone with the caller.
 */
#ifndef SOCKWARD_CORE_INET6_H
#define SOCKWARD_CORE_INET6_H

#include "core/address.bpf.h"

#define MOST_DEVICES 32
#define MOST_ADDRESSES 16
#define IFF_LOOPBACK 0x8 /* include/uapi/linux/if.h */
#define IFA_F_DADFAILED 0x08 /* include/uapi/linux/if_addr.h */
#define IFA_F_TENTATIVE 0x40

/* Is the address in the area ::1? */
static __always_inline int is_ipv6_loopback(const __u8 *sockaddr)
{
	const __u64 *halves = (const __u64 *)(sockaddr + 8);

	return !halves[0] && halves[1] == __builtin_bswap64(1);
}

/* In fe80::/10? Several interfaces may have the same one: only that of the call counts (ipv6_chk_addr()). */
static __always_inline int is_link_local(const __u8 *sockaddr)
{
	return sockaddr[8] == 0xfe && (sockaddr[9] & 0xc0) == 0x80;
}

/* The state of the area's address on one device; SOCKWARD_ADDRESS_ABSENT: it is not there. */
__weak __attribute__((noinline)) int address_state_on(__u32 area, __u64 device_address)
{
	struct net_device *device = (struct net_device *)device_address;
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct inet6_dev *ipv6 = READ(device, ip6_ptr);
	struct list_head *head, *entry;
	const __u64 *wanted;
	struct {
		__u64 halves[2];
	} address;
	__u32 flags;

	if (!scratch || !ipv6)
		return SOCKWARD_ADDRESS_ABSENT;
	/* The call binds the socket to the interface of sin6_scope_id, and leaves it there when it fails. */
	if (is_link_local(scratch->data) && scratch->call.bound_device != (__u32)READ(device, ifindex))
		return SOCKWARD_ADDRESS_ABSENT;
	if ((READ(device, flags) & IFF_LOOPBACK) && is_ipv6_loopback(scratch->data) &&
	    READ(ipv6, cnf.disable_ipv6))
		return SOCKWARD_ADDRESS_FAMILY_OFF;
	head = (struct list_head *)(number_of(ipv6) + bpf_core_field_offset(struct inet6_dev, addr_list));
	entry = READ(ipv6, addr_list.next);
	wanted = (const __u64 *)(scratch->data + 8);
	for (int i = 0; i < MOST_ADDRESSES; i++) {
		struct inet6_ifaddr *one =
			(void *)number_of(entry) - bpf_core_field_offset(struct inet6_ifaddr, if_list);

		if (entry == head || !entry)
			return SOCKWARD_ADDRESS_ABSENT;
		bpf_core_read(&address, sizeof(address), &one->addr);
		if (address.halves[0] == wanted[0] && address.halves[1] == wanted[1]) {
			flags = READ(one, flags);
			return flags & IFA_F_DADFAILED    ? SOCKWARD_ADDRESS_DUPLICATE
				: flags & IFA_F_TENTATIVE ? SOCKWARD_ADDRESS_TENTATIVE
							  : SOCKWARD_ADDRESS_USABLE;
		}
		entry = READ(entry, next);
	}
	return SOCKWARD_ADDRESS_UNKNOWN;
}

/*
 * enum sockward_address_state of the address in the area, when the call says that it cannot be used. Called
 * for every record and left at once for most: a branch in the caller would double what the verifier has to
 * look at there.
 */
__weak __attribute__((noinline)) int address_state_in(__u32 area, __u64 sock, int result)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct net *net = READ((struct sock *)sock, __sk_common.skc_net.net);
	struct list_head *head =
		(struct list_head *)(number_of(net) + bpf_core_field_offset(struct net, dev_base_head));
	struct list_head *entry = READ(net, dev_base_head.next);

	if (result != -EADDRNOTAVAIL || !sock || !scratch || *(__u16 *)scratch->data != AF_INET6)
		return SOCKWARD_ADDRESS_UNKNOWN;
	for (int i = 0; i < MOST_DEVICES; i++) {
		int state;

		if (entry == head || !entry)
			return SOCKWARD_ADDRESS_ABSENT;
		state = address_state_on(
			area, number_of(entry) - bpf_core_field_offset(struct net_device, dev_list));
		if (state != SOCKWARD_ADDRESS_ABSENT)
			return state;
		entry = READ(entry, next);
	}
	return SOCKWARD_ADDRESS_UNKNOWN;
}

#endif
