#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the spans that the agent printed (trace printer json, json_indent or text).

    spans.py count FILE CONDITION...        how many meet all conditions
    spans.py get   FILE FIELD CONDITION...  the field of each, one a line
    spans.py tally FILE FIELD,... CONDITION...  how many have the same of these, and what; "-": empty
    spans.py list  FILE [CONDITION...]      all of each, for people
    spans.py parents FILE                   client spans with the server span of the same number (the end of
                                            the path) as parent, with none, with another

A condition is FIELD=GLOB, FIELD!=GLOB, FIELD>=NUMBER or FIELD<=NUMBER. The attributes of a span
stand beside its other fields.
"""
import collections
import fnmatch
import json
import re
import sys

TEXT = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \((?P<duration>\S+?)\[(?P<handlerDuration>\S+?)\]\)"
    r" (?P<type>\w+)\(subType=\d+\) (?P<status>\d+) (?P<method>\S*) (?P<path>\S*?)(?:\((?P<route>[^)]*)\))?"
    r" \[(?P<peer>\S*) as (?P<peerName>[^\]]*):(?P<peerPort>\d+)\]"
    r"->\[(?P<host>\S*) as (?P<hostName>[^\]]*):(?P<hostPort>\d+)\]"
    r" contentLen:(?P<contentLen>-?\d+)B responseLen:(?P<responseLen>-?\d+)B"
    r" svc=\[(?P<service>\S*) (?P<language>\S*)\] traceparent=\["
    r"(?:00-(?P<traceID>\w+)-(?P<spanID>\w+)\[(?P<parentSpanID>\w+)\]-(?P<flags>\w+))?\]$"
)


def flatten(span):
    flat = {key: value for key, value in span.items() if key != "attributes"}
    flat.update(span.get("attributes", {}))
    flat["path"] = flat.get("url", "").split("?")[0]
    return flat


def read(path):
    """All spans in the file, in order; arrays may span lines (json_indent)."""
    found = []
    decoder = json.JSONDecoder()
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("["):
            text = line
            while True:
                try:
                    batch, _ = decoder.raw_decode(text)
                    found += [flatten(span) for span in batch]
                    break
                except ValueError:
                    i += 1
                    if i >= len(lines):
                        break  # cut off: the agent is still writing it
                    text += "\n" + lines[i]
        else:
            match = TEXT.match(line)
            if match:
                found.append(match.groupdict())
        i += 1
    return found


def meets(span, condition):
    field, operator, wanted = re.match(r"(\w+)(!=|>=|<=|=)(.*)$", condition).groups()
    value = str(span.get(field, ""))
    if operator == "=":
        return fnmatch.fnmatchcase(value, wanted)
    if operator == "!=":
        return not fnmatch.fnmatchcase(value, wanted)
    try:
        number = float(value)
    except ValueError:
        return False
    return number >= float(wanted) if operator == ">=" else number <= float(wanted)


def parents(spans):
    """Also wrong: an id that two spans have, and a parent that is not the server span's."""
    server = {s["path"].split("/")[-1]: s["spanID"] for s in spans if s["type"] == "HTTP"}
    right = none = wrong = 0
    for span in spans:
        if span["type"] != "HTTPClient":
            continue
        if span["parentSpanID"] == "0" * 16:
            none += 1
        elif span["parentSpanID"] == server.get(span["path"].split("/")[-1]):
            right += 1
        else:
            wrong += 1
    return right, none, wrong + len(spans) - len({s["spanID"] for s in spans})


def tally(spans, fields):
    rows = (" ".join(str(span.get(field) or "-") for field in fields) for span in spans)
    for row, count in sorted(collections.Counter(rows).items()):
        print(count, row)


def main():
    verb, path, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    field = rest.pop(0) if verb in ("get", "tally") else None
    spans = [span for span in read(path) if all(meets(span, c) for c in rest)]
    if verb == "parents":
        print(*parents(spans))
        return
    if verb == "tally":
        tally(spans, field.split(","))
        return
    if verb == "count":
        print(len(spans))
    for span in spans if verb != "count" else []:
        print(span.get(field, "") if field else json.dumps(span))


if __name__ == "__main__":
    main()
