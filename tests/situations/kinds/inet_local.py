"""Addresses and ports that this host does not give: not local, not ready, no scope, privileged, none free."""
import errno
import os
import struct
import time

from addresses import inet, inet6
from holders import idle
from kinds import kind
from kinds.inet_bind import TCP, UDP, port_of
from netlink import Interfaces
from places import ALL_CAPS, CAP_NET_BIND_SERVICE, become, harmless
from world import loopback


@kind("inet: address is not local", needs=["net"], weight=2)
def not_local(w):
    why = w.pick("why", ["foreign", "foreign", "lo is down", "IPv6 is off"])
    ip = w.pick("address", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"])
    if why == "lo is down":
        loopback(False)
        ip = "::1"  # 127.0.0.1 can be bound all the same
    elif why == "IPv6 is off":
        with open("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        ip = "::1"
    port = port_of(w)
    verb = "connect" if why == "IPv6 is off" and w.maybe("connect", 0.5) else "bind"
    v = w.actor()
    harmless(w, v)
    v.socket(0, inet(ip, port).family, *w.pick("protocol", [TCP, UDP]))
    v.pause()
    call = (v.bind if verb == "bind" else v.connect)(0, inet(ip, port))
    if why == "IPv6 is off" and w.pick("then", ["nothing", "nothing", "on"]) == "on":
        w.after(call, ("write", "/proc/sys/net/ipv6/conf/lo/disable_ipv6", b"0"), name="then")
    w.expect(call, verb, errno.EADDRNOTAVAIL, ["address_not_local"], address=inet(ip, port))
    return v


@kind("inet: address is not ready", needs=["net"], weight=0.6)
def not_ready(w):
    """Duplicate address detection runs still, or has failed."""
    net, ip = Interfaces(), "fd00:79::9"
    duplicate = w.pick("why", ["tentative", "duplicate"]) == "duplicate"
    net.veth("v0", "v1")
    for name in ("v0", "v1"):
        for key, value in (("router_solicitation_delay", 0), ("dad_transmits", 1 if duplicate else 20)):
            path = f"/proc/sys/net/ipv6/conf/{name}/{key}"
            if os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(value))
        net.up(name)
    if duplicate:
        net.address("v1", ip, nodad=True)
        time.sleep(0.4)
    net.address("v0", ip)
    wanted = 0x08 if duplicate else 0x40
    for _ in range(100):
        flags = [
            int(line.split()[4], 16) for line in open("/proc/net/if_inet6", encoding="ascii") if "v0" in line
        ]
        if any(flag & wanted for flag in flags):
            break
        time.sleep(0.02)
    if duplicate:
        net.remove_address("v1", ip)
    v = w.actor()
    harmless(w, v)
    v.socket(0, 10, *w.pick("protocol", [TCP, UDP]))
    v.pause()
    call = v.bind(0, inet6(ip, port_of(w)))
    w.expect(call, "bind", errno.EADDRNOTAVAIL, ["address_not_ready"], address=inet6(ip, port_of(w)))
    return v


@kind("inet: no scope", needs=["net"])
def scope(w):
    ip, port = "fe80::1:2", port_of(w)
    verb = w.pick("call", ["bind", "connect"])
    v = w.actor()
    harmless(w, v)
    v.socket(0, 10, *w.pick("protocol", [TCP, UDP]))
    v.pause()
    call = (v.bind if verb == "bind" else v.connect)(0, inet6(ip, port))
    w.expect(call, verb, errno.EINVAL, ["scope_missing"], address=inet6(ip, port))
    return v


@kind("inet: privileged port", needs=["net"], weight=2)
def privileged(w):
    port = w.pick("port", [80, 443, 22, 1023, 1])
    raised = w.pick("first free port", [1024, 1024, 30000])
    if raised != 1024:
        set_start(raised)
        port = w.pick("port", [8080, 80, 29999])
    v = w.actor()
    who = w.pick("as", ["ordinary", "grouped", "no capability", "user namespace", "effective"])
    if who == "no capability":
        v.do("caps", ALL_CAPS & ~(1 << CAP_NET_BIND_SERVICE))
    else:
        become(v, who)
    ip = w.pick("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
    v.socket(0, inet(ip, port).family, *w.pick("protocol", [TCP, UDP]))
    v.pause()
    call = v.bind(0, inet(ip, port))
    then = w.pick("then", ["nothing", "nothing", "opened", "becomes root"])
    if then == "opened":
        w.after(call, ("write", "/proc/sys/net/ipv4/ip_unprivileged_port_start", b"0"), name="then")
    elif then == "becomes root" and who == "effective":
        v.do("uid", 0, 0, 0)
        w.not_quiet()
    w.expect(call, "bind", errno.EACCES, ["privileged_port"], address=inet(ip, port))
    return v


def set_start(port):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w", encoding="ascii") as file:
        file.write(str(port))


@kind("inet: no port is free", needs=["net"], weight=2)
def exhausted(w):
    """The ports of net.ipv4.ip_local_port_range, or of the socket's own IP_LOCAL_PORT_RANGE, are taken."""
    first, count = port_of(w) + 15000, w.number(
        "ports", 1, 4
    )  # within the usual range, or the socket's does not count
    own = w.pick("range of", ["the namespace", "the socket"]) == "the socket"
    verb = w.pick("call", ["bind", "listen", "connect"])
    server = idle(w, inet("127.0.0.1", first + 100)).holders if verb == "connect" else []
    crowd = w.actor()
    for n in range(count):
        crowd.socket(n + 1, 2)
        crowd.bind(n + 1, inet("0.0.0.0", first + n))
    crowd.ready()
    crowd.do("stay")
    crowd.start()
    if not own:
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
            file.write(f"{first} {first + count - 1}")
    v = w.actor()
    harmless(w, v)
    v.socket(0, 2)
    if own:
        v.option(0, 0, 51, struct.pack("=I", (first + count - 1) << 16 | first))
    v.pause()
    more = {}
    if verb == "bind":
        more["address"] = inet("127.0.0.1", 0)
        call = v.bind(0, more["address"])
    elif verb == "listen":
        call = v.do("listen", 0, 8)
    else:
        more["address"] = inet("127.0.0.1", first + 100)
        call = v.connect(0, more["address"])
    if not own and w.pick("then", ["nothing", "nothing", "widened"]) == "widened":
        w.after(call, ("write", "/proc/sys/net/ipv4/ip_local_port_range", b"32768 60999"), name="then")
    says = r"IP_LOCAL_PORT_RANGE|socket's (own )?range|range of the socket" if own else None
    w.expect(
        call,
        verb,
        errno.EADDRNOTAVAIL if verb == "connect" else errno.EADDRINUSE,
        ["ports_exhausted"],
        says=says,
        blames="ip_local_port_range" if own else None,
        mentions=server,
        **more,
    )
    return v
