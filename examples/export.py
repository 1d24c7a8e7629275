# /// script
# requires-python = ">=3.11"
# dependencies = ["gql[httpx]>=4.4,<5", "portalocker>=4.4,<5", "tenacity>=9.2,<10", "tqdm>=4.70,<5"]
# ///
"""Writes feedback to a file, oldest first, as JSON Lines or CSV.

It can be stopped at any time. Run again with the same options, it goes on where it was, and adds what has
been submitted since: FILE.cursor holds the place. The API key is read from the environment variable
FEEDBACK_API_KEY.
"""

import argparse
import csv
import io
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.httpx import HTTPXTransport
from portalocker import LOCK_EX, LOCK_NB, LockException, lock
from tenacity import Retrying, retry_if_exception, stop_after_delay
from tqdm import tqdm

QUERY = """
    query Export($first: Int!, $after: String, $filter: FeedbackFilter!) {
      feedbacks(first: $first, after: $after, filter: $filter, order: OLDEST_FIRST) {
        nodes {
          id submittedAt rating topic message email pageUrl metadata { key value }
          triage { status tags note version updatedAt updatedBy }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
"""
# Conditions of FeedbackFilter, and the options that give them.
FILTER = {"submittedFrom": "from", "submittedTo": "to", "minRating": "min_rating", "maxRating": "max_rating"}
FILTER |= {name: name for name in ("status", "topic", "tag", "email")}
COLUMNS = ["id", "submittedAt", "rating", "topic", "message", "email", "pageUrl", "metadata"]
COLUMNS += ["status", "tags", "note", "version", "updatedAt", "updatedBy"]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # https://owasp.org/www-community/attacks/CSV_Injection
BUSY = ("TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE", 429, 503)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE")
    add("--url", default="http://127.0.0.1:4000/graphql", help="the GraphQL endpoint (%(default)s)")
    add("--format", choices=["jsonl", "csv"], help="default: csv if FILE ends in .csv, else jsonl")
    add("--follow", action="store_true", help="continue with new feedback until stopped")
    add("--behind", type=float, default=60, help="seconds to stay behind the present, by this machine's "
        "clock, since feedback appears with a delay (%(default)s)")
    add("--page", type=int, default=100, help="pieces of feedback in a request, at most 100 (%(default)s)")
    add("--from", type=moment, help="submitted at this time or later, like 2026-03-01 or "
        "2026-03-01T09:30+01:00; in UTC if there is no offset")
    add("--to", type=moment, help="submitted before this time")
    add("--min-rating", type=int)
    add("--max-rating", type=int)
    add("--status", action="append", help="OPEN, IN_PROGRESS or RESOLVED; repeat it for any of several")
    for name in ("--topic", "--tag", "--email"):
        add(name)
    args = parser.parse_args()
    args.format = args.format or ("csv" if args.file.suffix == ".csv" else "jsonl")
    given = {condition: getattr(args, option) for condition, option in FILTER.items()}
    return args, {condition: value for condition, value in given.items() if value is not None}


def moment(text):
    """A time in UTC and always as long, so that texts compare as times do."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a time like 2026-03-01T09:30+01:00") from None
    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    return given.astimezone(UTC).isoformat(timespec="milliseconds")


def encoded(nodes, kind, header):
    if kind == "jsonl":
        return "".join(json.dumps(node, ensure_ascii=False) + "\n" for node in nodes).encode()
    text = io.StringIO(newline="")
    rows = csv.writer(text, quoting=csv.QUOTE_ALL)
    rows.writerows([COLUMNS] if header else [])
    for node in nodes:
        cells = node | (node["triage"] or {})
        cells["metadata"] = json.dumps({m["key"]: m["value"] for m in node["metadata"]}, ensure_ascii=False)
        cells["tags"] = json.dumps(cells.get("tags", []), ensure_ascii=False)
        rows.writerow(defused(cells.get(column)) for column in COLUMNS)
    return text.getvalue().encode()


def defused(cell):
    """The cell as text, where a spreadsheet would run it as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write(file, data):
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def save(state, place):
    """Replaces the state in one step: there is always the old one or the new one."""
    new = place.with_name(f"{place.name}.new")
    with new.open("wb") as file:
        write(file, json.dumps(state).encode())
    new.replace(place)


def resume(output, place, options):
    """The state that was saved last. What was written to the output after it is cut off, and comes again."""
    length = output.seek(0, os.SEEK_END)
    if length and not place.exists():
        sys.exit(f"{output.name} exists, and {place} to go on from does not: name another file.")
    if not place.exists():
        save({"options": options, "cursor": None, "length": 0, "count": 0, "first": None}, place)
    state = json.loads(place.read_text())
    before = state["options"] if state["cursor"] else options
    for name in before | options:
        old, new = before.get(name, "not set"), options.get(name, "not set")
        if old != new:
            sys.exit(f"{output.name} was begun with another {name}, {old} and not {new}: name another file.")
    if length < state["length"]:
        sys.exit(f"{output.name} is shorter than {place} says: delete both to start again.")
    output.truncate(state["length"])
    return state | {"options": options}


def export(args, wanted, output, place, state, ask, bar):
    while True:
        present = moment(str(datetime.now(UTC) - timedelta(seconds=args.behind)))
        present = max(present, wanted.get("submittedFrom", present))
        until = min(present, wanted.get("submittedTo", present))
        more = True
        while more:
            filter = wanted | {"submittedTo": until}
            page = ask({"first": args.page, "after": state["cursor"], "filter": filter})
            nodes, cursor = page["nodes"], page["pageInfo"]["endCursor"]
            more = page["pageInfo"]["hasNextPage"]
            if cursor:  # Null if there was nothing to read.
                data = encoded(nodes, args.format, header=state["length"] == 0)
                write(output, data)
                state["cursor"] = cursor
                state["length"] += len(data)
                state["count"] += len(nodes)
                state["first"] = state["first"] or (nodes[0]["submittedAt"] if nodes else None)
                save(state, place)
            if nodes or not more:
                show(bar, state, nodes[-1]["submittedAt"] if more else until, until)
        if not args.follow or until == wanted.get("submittedTo"):
            return
        time.sleep(max(1, args.behind / 6))


def show(bar, state, reached, until):
    """Only the end tells how much there is, so the bar is the share of the time that has been read."""
    first = state["first"] or until
    first, reached, until = map(datetime.fromisoformat, (first, reached, until))
    bar.total, bar.n = (until - first).total_seconds(), (reached - first).total_seconds()
    bar.set_description_str(f"{state['count']:,} pieces, up to {reached:%Y-%m-%d %H:%M}")


def problem(error):
    """The code of a GraphQL error or the status of another response, and a sentence."""
    if errors := getattr(error, "errors", None):
        return errors[0].get("extensions", {}).get("code"), errors[0]["message"]
    return getattr(error, "code", None), str(error).partition("\n")[0]


def main():
    args, wanted = arguments()
    place = args.file.with_name(f"{args.file.name}.cursor")
    key = os.environ.get("FEEDBACK_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = HTTPXTransport(args.url, headers=headers, timeout=30)
    retry = Retrying(
        retry=retry_if_exception(lambda error: problem(error)[0] in BUSY),
        wait=lambda _: int(transport.response_headers.get("Retry-After", 1)),
        stop=stop_after_delay(600),
        reraise=True,
    )

    def ask(variables):
        request = gql(QUERY)
        request.variable_values = variables
        return retry(session.execute, request)["feedbacks"]

    try:
        with (
            Client(transport=transport) as session,
            args.file.open("a+b") as output,
            tqdm(disable=None, bar_format="{percentage:3.0f}%|{bar:30}| {desc}") as bar,
        ):
            lock(output, LOCK_EX | LOCK_NB)
            state = resume(output, place, {"url": args.url, "format": args.format} | wanted)
            export(args, wanted, output, place, state, ask, bar)
        print(f"{state['count']:,} pieces of feedback are in {args.file}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        sys.exit(130)
    except LockException:
        sys.exit(f"{args.file} is being written by another run.")
    except TransportError as error:
        sys.exit(f"{args.url}: {problem(error)[1]}")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
