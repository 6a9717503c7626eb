"""Panels, variables and layout of the Grafana dashboards that scripts/make-dashboards writes.

What all panels have in common is said once here: the data source and job, instance and
container_name by variable, a title, a description, a unit. Core panels only.
"""

DS = {"type": "prometheus", "uid": "${datasource}"}
# schemaVersion 39 is that of Grafana 10.4. (Before 8.3 no panel finds its data source, which is an object.)
GRAFANA = {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.4.0"}
SEL = 'job=~"$job", instance=~"$instance"'
CON = SEL + ', container_name=~"$container_name"'
PALETTE = {"mode": "palette-classic"}


def sel(metric, more="", container=False):
    return f"{metric}{{{CON if container else SEL}{', ' + more if more else ''}}}"


def target(expr, legend="", instant=False, table=False, ref="A", heat=False):
    return {"datasource": DS, "refId": ref, "expr": expr, "legendFormat": legend or "__auto",
            "editorMode": "code", "instant": instant, "range": not instant,
            "format": "table" if table else "heatmap" if heat else "time_series"}


def field(unit, thresholds=None, color=None, custom=None, **more):
    steps = thresholds or [(None, "green")]
    return {"unit": unit, "color": color or PALETTE, "mappings": [], "custom": custom or {},
            "thresholds": {"mode": "absolute", "steps": [{"color": c, "value": v} for v, c in steps]}, **more}


def panel(kind, title, description, targets, defaults, options, overrides=(), transformations=(), links=()):
    return {"type": kind, "title": title, "description": description, "datasource": DS, "targets": targets,
            "fieldConfig": {"defaults": defaults, "overrides": list(overrides)}, "options": options,
            "transformations": list(transformations), "links": list(links)}


def stat(title, description, expr, unit="short", thresholds=None, decimals=0, graph="none", legend="",
         mappings=None, text="auto"):
    more = {"mappings": mappings} if mappings else {}
    return panel("stat", title, description, [target(expr, legend, instant=graph == "none")],
                 {**field(unit, thresholds, {"mode": "thresholds"}, decimals=decimals), **more},
                 {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                  "orientation": "auto", "textMode": text, "wideLayout": True, "colorMode": "value",
                  "graphMode": graph, "justifyMode": "auto", "showPercentChange": False,
                  "percentChangeColorMode": "standard"})


def lines(title, description, targets, unit="short", stack=False, bars=False, decimals=None, overrides=()):
    custom = {"drawStyle": "bars" if bars else "line", "lineWidth": 1,
              "fillOpacity": 70 if bars else 25 if stack else 10,
              "showPoints": "never", "spanNulls": False,
              "stacking": {"mode": "normal" if stack else "none", "group": "A"},
              "lineInterpolation": "linear", "axisSoftMin": 0}
    more = {} if decimals is None else {"decimals": decimals}
    return panel("timeseries", title, description, targets, field(unit, custom=custom, min=0, **more),
                 {"legend": {"displayMode": "table", "placement": "right", "showLegend": True,
                             "calcs": ["lastNotNull", "max"]},
                  "tooltip": {"mode": "multi", "sort": "desc"}}, overrides)


def bars(title, description, expr, legend, unit="short", thresholds=None, heat=False):
    return panel("bargauge", title, description, [target(expr, legend, instant=True, heat=heat)],
                 field(unit, thresholds or [(None, "blue")], {"mode": "thresholds"}, decimals=0, min=0),
                 {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                  "orientation": "horizontal", "displayMode": "gradient", "valueMode": "color",
                  # Of a set height: with one value, "auto" makes one block of the whole panel.
                  "namePlacement": "auto", "showUnfilled": True, "sizing": "manual",
                  "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 32,
                  "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}})


def table(title, description, targets, transformations, unit="short", overrides=(), sort=None):
    return panel("table", title, description, targets,
                 field(unit, color={"mode": "thresholds"},
                       custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
                       decimals=0),
                 {"frameIndex": 0, "showHeader": True, "cellHeight": "sm",
                  "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": []},
                  "sortBy": [{"displayName": sort, "desc": True}] if sort else []}, overrides,
                 transformations)


def text(title, description, content):
    return {"type": "text", "title": title, "description": description, "datasource": DS, "targets": [],
            "transformations": [], "links": [], "fieldConfig": {"defaults": {}, "overrides": []},
            "options": {"mode": "markdown", "content": content,
                        "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False}}}


def organize(hide, rename, order):
    return [{"id": "organize",
             "options": {"excludeByName": {name: True for name in hide}, "renameByName": rename,
                         "indexByName": {name: i for i, name in enumerate(order)}, "includeByName": {}}}]


def filled(name):
    return {"matcher": {"id": "byName", "options": name},
            "properties": [
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "orange"}}]}


def mapped(name, mapping):
    return {"matcher": {"id": "byName", "options": name},
            "properties": [
                {"id": "mappings",
                 "value": [{"type": "value",
                            "options": {k: {"text": t, "color": c, "index": i}
                                        for i, (k, t, c) in enumerate(mapping)}}]},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}}]}


def variable(name, label, metric, filters=""):
    return {"type": "query", "name": name, "label": label, "datasource": DS,
            "definition": f"label_values({metric}{filters}, {name})",
            "query": {"query": f"label_values({metric}{filters}, {name})", "refId": name}, "refresh": 2,
            "sort": 1, "multi": True, "includeAll": True, "allValue": ".+",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "options": [],
            "regex": "", "hide": 0, "skipUrlSync": False}


def lay_out(rows):
    """rows: (title or None, [(width, height, panel)…]). Panels flow from left to right in 24 columns."""
    panels, y = [], 0
    for title, members in rows:
        if title:
            panels.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                           "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
            y += 1
        x = high = 0
        for width, height, item in members:
            if x + width > 24:
                x, y, high = 0, y + high, 0
            panels.append({**item, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
            x, high = x + width, max(high, height)
        y += high
    for number, item in enumerate(panels, 1):
        item["id"] = number
    return panels


def dashboard(uid, title, description, rows):
    templating = [{"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
                   "regex": "", "hide": 0, "refresh": 1, "multi": False, "includeAll": False, "options": [],
                   "current": {}, "skipUrlSync": False},
                  variable("job", "Job", "sockward_build_info"),
                  variable("instance", "Instance", "sockward_build_info", '{job=~"$job"}'),
                  variable("container_name", "Container", "sockward_call_errors_total",
                           '{job=~"$job", instance=~"$instance"}')]
    return {"__requires": [GRAFANA], "uid": uid, "title": title, "description": description,
            "tags": ["sockward"], "schemaVersion": 39,
            "version": 1, "editable": False, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"}, "fiscalYearStartMonth": 0,
            "weekStart": "", "liveNow": False, "annotations": {"list": []},
            "links": [{"type": "dashboards", "title": "sockward", "tags": ["sockward"], "asDropdown": False,
                       "icon": "external link", "includeVars": True, "keepTime": True, "targetBlank": False,
                       "tooltip": "", "url": ""}],
            "templating": {"list": templating}, "panels": lay_out(rows)}


# Series of these are born with their first failure, which
# increase() does not see: while young they count as a whole,
# also when the agent that counted them has ended since.
BORN_LATE = ("sockward_diagnoses_total", "sockward_host_renames_total")


def grown(metric, more="", container=False, window="$__range"):
    chosen = sel(metric, more, container)
    if metric not in BORN_LATE:
        return f"increase({chosen}[{window}])"
    newborn = f"max_over_time({chosen}[{window}]) > 0 unless {chosen} offset {window}"
    return f"((increase({chosen}[{window}]) > 0) or ({newborn}))"


def increase(metric, more="", by="", container=False):
    return f"sum{' by (' + by + ')' if by else ''} ({grown(metric, more, container)})"


def rate(metric, more="", by="", container=False):
    return f"sum{' by (' + by + ')' if by else ''} (rate({sel(metric, more, container)}[$__rate_interval]))"
