"""Who has an address: the many ways in which a process comes to hold a socket."""
import os
import socket

from actor import Void

STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
WAYS = ("plain", "plain", "inherited", "both", "passed", "dropped", "child")
FLAGS = {"reuseaddr": (1, 2), "reuseport": (1, 15), "v6only": (41, 26), "freebind": (0, 15)}


class Holding:
    """`holders`: slots of the processes that have it, any of which may be named; `mentions`: who else had to
    do with it; `actor`: the one whose plan goes on."""

    def __init__(self, actor, holders, mentions=()):
        self.actor, self.holders, self.mentions = actor, list(holders), list(mentions)


def make(actor, number, address, kind=STREAM, protocol=0, flags=(), listen=True):
    """Socket, options, bind and listen; the slot of the bind."""
    actor.socket(number, address.family, kind, protocol)
    for flag in flags:
        actor.option(number, *FLAGS[flag])
    slot = actor.bind(number, address)
    if listen and kind != DGRAM and address.family in (1, 2, 10):
        actor.do("listen", number, 8)
    return slot


def hand_on(w, actor, way, bound):
    """What becomes of socket 1 after the bind. The open block of a fork is closed here."""
    holders, mentions = [bound], []
    if way == "inherited":  # a child outlives the binder
        actor.do("fork")
        holders, mentions = [actor.do("sleep", 1)], [bound]
        actor.ready()
        actor.do("stay")
        actor.do("end")
        actor.do("sleep", 20000)
        actor.do("exit", 0)
    elif way in ("both", "child"):  # the child has it too; or it alone, and the parent stays without it
        actor.do("fork")
        holders.append(actor.do("sleep", 1))
        actor.do("stay")
        actor.do("end")
        if way == "child":
            actor.do("close", 1)
            holders, mentions = [holders[1]], [bound]
    elif way == "passed":  # SCM_RIGHTS
        actor.do("fork")
        actor.do("close", 1)
        holders, mentions = [actor.do("recv", 3, 4)], [bound]
        actor.ready()
        actor.do("stay")
        actor.do("end")
        actor.do("send", 2, 1)
        actor.do("close", 1)
        if w.maybe("sender stays", 0.5):
            actor.do("stay")
        actor.do("exit", 0)
    elif way == "dropped":
        actor.do("gid", 33, 33, 33)
        actor.do("uid", 33, 33, 33)
    return holders, mentions


def serve(
    w,
    address,
    kind=STREAM,
    protocol=0,
    flags=(),
    listen=True,
    way=None,
    space="",
    folder=None,
    start=True,
    uid=0,
    name="holder",
):
    """A process that has the address, started and ready."""
    actor = w.actor()
    if folder:
        actor.do("chdir", str(folder))
    actor.enter(space)
    if uid:
        actor.do("gid", uid, uid, uid)
        actor.do("uid", uid, uid, uid)
    way = w.pick(name + " way", WAYS) if way is None else way
    if way == "dropped" and uid:
        way = "plain"
    if way == "passed":
        actor.do("pair", 2, 3)
    bound = make(actor, 1, address, kind, protocol, flags, listen)
    holders, mentions = hand_on(w, actor, way, bound)
    if way not in ("inherited", "passed"):
        actor.ready()
    if start:
        if way not in ("inherited", "passed"):
            actor.do("stay")
        actor.start()
        check_bound(w, actor, bound)
    return Holding(actor, holders, mentions)


def check_bound(w, actor, slot):
    result = w.result(slot)
    if not result["done"] or result["returned"] < 0:
        raise Void(f"the holder was not set up: {w.failed_operations(actor)}")


def in_flight(w, address, kind=STREAM, protocol=0, listen=True, space="", to_child=True):
    """The socket lies in the queue of a socket pair whose other end a process keeps; its maker has gone."""
    actor = w.actor()
    actor.do("pair", 2, 3)
    actor.do("fork")
    keeper = actor.do("sleep", 1)
    actor.do("stay")
    actor.do("end")
    if space and space != "pid":
        actor.enter(space)
    bound = make(actor, 1, address, kind, protocol, (), listen)
    actor.do("send", 2, 1)
    actor.do("close", 1)
    actor.ready()
    if w.maybe("maker stays", 0.3):
        actor.do("stay")
    actor.do("exit", 0)
    actor.start()
    check_bound(w, actor, bound)
    return Holding(actor, [keeper, bound], [keeper, bound])


def leave(w, address, kind=STREAM, folder=None, uid=0, listen=True):
    """A socket file whose maker ends at once; the slot of its bind."""
    actor = w.actor()
    if folder:
        actor.do("chdir", str(folder))
    if uid:
        actor.do("gid", uid, uid, uid)
        actor.do("uid", uid, uid, uid)
    bound = make(actor, 1, address, kind, 0, (), listen)
    actor.ready()
    actor.do("exit", 0)
    actor.start()
    check_bound(w, actor, bound)
    return bound


def idle(w, address, kind=STREAM, protocol=0, **more):
    """A decoy: it has another address."""
    return serve(w, address, kind, protocol, way="plain", name="decoy", **more)


def path_type(w):
    return w.pick("type", [STREAM, STREAM, SEQPACKET, DGRAM])


def own_file(path, content=b""):
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)
