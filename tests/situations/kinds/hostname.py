"""Host and domain names, in UTS namespaces of the situation's own."""
import errno

from kinds import kind
from places import ALL_CAPS, CAP_SYS_ADMIN, become

VERBS = {"hostname": "sethostname", "domainname": "setdomainname"}


@kind("host name: denied", needs=["uts"])
def denied(w):
    v = w.actor()
    who = w.pick("as", ["ordinary", "no CAP_SYS_ADMIN", "no capabilities", "user namespace", "effective"])
    if who == "no CAP_SYS_ADMIN":
        v.do("caps", ALL_CAPS & ~(1 << CAP_SYS_ADMIN))
    else:
        become(v, who)
    op = w.pick("call", ["hostname", "domainname"])
    name = "x" * w.pick("bytes", [8, 1, 64, 70])
    v.pause()
    call = v.do(op, name, len(name))
    if who == "effective":
        v.do("uid", 0, 0, 0)
        w.not_quiet()
    w.expect(call, VERBS[op], errno.EPERM, ["hostname_denied"])
    return v


@kind("host name: too long", needs=["uts"])
def too_long(w):
    v = w.actor()
    op = w.pick("call", ["hostname", "domainname"])
    name = "y" * w.pick("bytes", [65, 66, 100, 255])
    v.pause()
    call = v.do(op, name, len(name))
    w.expect(call, VERBS[op], errno.EINVAL, ["hostname_too_long"])
    return v


@kind("host name: changed", needs=["uts"])
def changed(w):
    v = w.actor()
    if w.maybe("fresh namespace", 0.3):
        v.enter("uts")
    op = w.pick("call", ["hostname", "domainname"])
    v.pause()
    call = v.do(op, "name-" + w.token, 13)
    if w.pick("then", ["nothing", "nothing", "back"]) == "back":
        v.do(op, "other", 5)
        w.not_quiet()
    w.expect(call, VERBS[op], 0, ["hostname_changed"])
    return v
