"""What reached the receiver, and what each part says it knows."""
import collections
import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from parts import LOGS, REPEAT

RULE, PUSHED = "SockwardAddressInUse", "SockwardPushedAddressInUse"


def get(address, path, **query):
    url = f"http://{address}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
    return json.load(urllib.request.urlopen(url, timeout=10))


def post(address, path, data=None):
    body = json.dumps(data).encode() if data is not None else b""
    request = urllib.request.Request(f"http://{address}{path}", body, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=10).status


def query(address, expression, **more):
    """{labels: value} of an instant query; nothing while the other side is not there."""
    try:
        result = get(address, "/api/v1/query", query=expression, **more)["data"]["result"]
    except OSError:
        return {}
    return {tuple(sorted(r["metric"].items())): float(r["value"][1]) for r in result}


def received(*paths):
    """(when, path, body) of all posts so far."""
    file = pathlib.Path(LOGS / "received")
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [(line["at"], line["path"], json.loads(line["body"])) for line in lines if line["path"] in paths]


def told(*paths):
    """{(alertname, instance, container): [when a notification said that it fires]}"""
    times = collections.defaultdict(list)
    for at, _, body in received(*(paths or ("/team", "/pager"))):
        for alert in body["alerts"]:
            if alert["status"] == "firing":
                labels = alert["labels"]
                key = (labels["alertname"], labels.get("instance"), labels.get("container_name"))
                times[key].append(at)
    return times


def too_often(times, repeat=REPEAT):
    """Those told again before the repeat interval was over; a second of slack for clocks and posts."""
    return {key: [round(b - a, 1) for a, b in zip(when, when[1:]) if b - a < repeat - 1]
            for key, when in times.items() if any(b - a < repeat - 1 for a, b in zip(when, when[1:]))}


def missing(boxes, instances, names=(RULE, PUSHED)):
    have = told()
    return [(name, instance, box) for box in boxes for instance in instances for name in names
            if not have.get((name, instance, box))]


def logged(host, since):
    """(time, text) of each OpenTelemetry record of a host that is younger than `since`."""
    found = []
    for _, _, body in received("/v1/logs"):
        for resource in body["resourceLogs"]:
            names = {a["key"]: a["value"].get("stringValue") for a in resource["resource"]["attributes"]}
            if names.get("host.name") != host:
                continue
            found += [(int(record["timeUnixNano"]), record["body"]["stringValue"])
                      for scope in resource["scopeLogs"] for record in scope["logRecords"]]
    return [record for record in found if record[0] > since * 1e9]


def active(address, **labels):
    """Labels of the alerts that an Alertmanager knows."""
    try:
        return [alert["labels"] for alert in get(address, "/api/v2/alerts")
                if all(alert["labels"].get(k) == v for k, v in labels.items())]
    except OSError:
        return []


def own_metric(address, name):
    """Values of a metric on a part's own page."""
    page = urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()
    return [float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
            if line.startswith(name) and line[len(name)] in "{ "]
