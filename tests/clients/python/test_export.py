"""examples/export.py, run as a program of its own while feedback comes, goes and changes."""

import csv
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

PROGRAM = Path(__file__).parents[3] / "examples/export.py"
URL = os.environ.get("FEEDBACK_URL", "http://127.0.0.1:4000") + "/graphql"
DEADLINE = 60

SUBMIT = """
    mutation ($input: SubmitFeedbackInput!) {
      submitFeedback(input: $input) { feedback { id } userErrors { field message } }
    }
"""
TRIAGE = "mutation ($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { message } } }"
DELETE = "mutation ($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }"
NODES = """
    query ($ids: [ID!]!) {
      nodes(ids: $ids) {
        ... on Feedback {
          id submittedAt rating topic message email pageUrl metadata { key value }
          triage { status tags note version updatedAt updatedBy }
        }
      }
    }
"""

# Kills the program at a step: before or after it opens a file to replace its contents, flushes one to the disk, or
# renames one.
CRASH = """
import io, os, runpy, signal, sys
steps = int(sys.argv.pop(1))
def step():
    global steps
    steps -= 1
    if steps < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def stepping(call):
    def stepped(*arguments, **named):
        step()
        result = call(*arguments, **named)
        step()
        return result
    return stepped
os.fsync, os.replace = stepping(os.fsync), stepping(os.replace)
opened = io.open
stepping_open = stepping(io.open)
io.open = lambda file, mode="r", *arguments: (stepping_open if "w" in mode else opened)(file, mode, *arguments)
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""

# Says how long the program wants to sleep instead of sleeping.
AWAKE = """
import runpy, sys, time
time.sleep = lambda seconds: print("sleeps", float(seconds))
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def ask(document, **variables):
    response = httpx.post(URL, json={"query": document, "variables": variables}, timeout=30).json()
    assert "errors" not in response, response
    return response["data"]


def submit(**fields):
    payload = ask(SUBMIT, input={"message": "Hello"} | fields)["submitFeedback"]
    assert not payload["userErrors"], payload
    return payload["feedback"]["id"]


def triage(id, **change):
    ask(TRIAGE, input={"id": id} | change)


def submitted_at(id):
    return ask(NODES, ids=[id])["nodes"][0]["submittedAt"]


def read_lines(file):
    with file.open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


class ExportTest(unittest.TestCase):
    def setUp(self):
        # The program flushes each page to the disk, which takes long on a busy one: in memory if possible.
        folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "feedback.jsonl"
        self.topic = f"export-{uuid.uuid4().hex[:8]}"

    def seed(self, count, **fields):
        return [submit(topic=self.topic, message=f"Number {n}", **fields) for n in range(count)]

    def start(self, *options, file=None, url=URL, runner=(), key=None):
        command = [sys.executable, *runner, PROGRAM, "--url", url, "--behind", "0", *options, file or self.file]
        environment = os.environ | ({"FEEDBACK_API_KEY": key} if key else {})
        program = subprocess.Popen(
            [str(word) for word in command], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        return program

    def run_to_end(self, *options, code=0, **named):
        program = self.start(*options, **named)
        output, errors = program.communicate(timeout=DEADLINE)
        self.assertEqual(code, program.returncode, errors)
        self.assertLessEqual(len(errors.splitlines()), 1, errors)
        return errors if code == 1 else output

    def eventually(self, condition):
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it did not happen")
            time.sleep(0.02)

    def test_json_lines_hold_everything_as_the_service_has_it(self):
        ids = [
            submit(topic=self.topic, message='"Quoted", \\ and\nin\ttwo lines\u2028 or three 🌙'),
            submit(
                topic=self.topic,
                rating=5,
                email="Ada@Example.org",
                pageUrl="https://shop.example.org/?q=ä",
                metadata=[{"key": "z", "value": ""}, {"key": "a", "value": "1"}],
            ),
            *self.seed(3),
        ]
        triage(ids[1], status="RESOLVED", addTags=["bug", "api"], note="Done.")
        self.run_to_end("--topic", self.topic, "--page", 2)
        self.assertEqual(ask(NODES, ids=ids)["nodes"], read_lines(self.file))

    def test_neither_repeats_nor_loses_what_is_there_throughout(self):
        kept, doomed = [], []
        for _ in range(15):
            kept += self.seed(2)
            doomed += self.seed(1)
        random.shuffle(doomed)
        made = dict.fromkeys(["submissions", "deletions", "changes"], 0)
        stop = threading.Event()

        def keep_on(name, change):
            while not stop.wait(0.05):
                change()
                made[name] += 1

        changes = {
            "submissions": lambda: self.seed(1),
            "deletions": lambda: ask(DELETE, id=(doomed or self.seed(1)).pop()),
            "changes": lambda: triage(random.choice(kept), note=uuid.uuid4().hex),
        }
        writers = [threading.Thread(target=keep_on, args=change, daemon=True) for change in changes.items()]
        for writer in writers:
            writer.start()
        try:
            since = ["--from", submitted_at(kept[0])]
            cases = {"all": since, "topic": ["--topic", self.topic], "status": ["--status", "OPEN", *since]}
            for kind, options in cases.items():
                with self.subTest(kind):
                    file = self.folder / kind
                    before = dict(made)
                    self.run_to_end("--page", 20, *options, file=file)
                    self.assertTrue(all(made[name] > before[name] for name in made), "nothing else went on meanwhile")
                    exported = [(feedback["submittedAt"], feedback["id"]) for feedback in read_lines(file)]
                    self.assertEqual(sorted(set(exported)), exported)
                    self.assertEqual(set(), set(kept) - {id for _, id in exported})
        finally:
            stop.set()
            for writer in writers:
                writer.join()

    def test_killed_at_any_moment_it_goes_on_to_the_same_file(self):
        self.seed(40)
        for kind in "jsonl", "csv":
            with self.subTest(kind):
                whole, file = self.folder / f"whole.{kind}", self.folder / f"killed.{kind}"
                place = file.with_name(f"{file.name}.cursor")
                self.run_to_end("--topic", self.topic, file=whole)
                for _ in range(4):
                    before = place.read_bytes() if place.exists() else None
                    program = self.start("--topic", self.topic, "--page", 1, file=file)
                    self.eventually(lambda: place.exists() and place.read_bytes() != before)
                    time.sleep(random.uniform(0, 0.03))
                    program.kill()
                    self.assertEqual(-signal.SIGKILL, program.wait())
                self.run_to_end("--topic", self.topic, "--page", 1, file=file)
                self.assertEqual(whole.read_bytes(), file.read_bytes())

    def test_killed_between_any_two_steps_it_goes_on_to_the_same_file(self):
        self.seed(6)
        whole, file = self.folder / "whole.csv", self.folder / "killed.csv"
        options = ["--topic", self.topic, "--page", 2]
        self.run_to_end(*options, file=whole)
        # A save is 6 steps, a page 8 with its save. A new file begins with a save.
        for step in [*range(6), *range(8)]:
            self.run_to_end(*options, file=file, runner=["-c", CRASH, step], code=-signal.SIGKILL)
            if file.with_name("killed.csv.cursor").exists():
                # After a loss of power, anything may be there that was written since.
                with file.open("ab") as output:
                    output.write(b'"torn')
        self.run_to_end(*options, file=file)
        self.assertEqual(whole.read_bytes(), file.read_bytes())

    def test_follows_what_comes_later_and_what_came_while_it_was_stopped(self):
        ids = self.seed(2)
        for _ in range(2):
            program = self.start("--topic", self.topic, "--follow")
            for _ in range(2):
                self.eventually(lambda: self.file.exists() and self.file.read_bytes().count(b"\n") >= len(ids))
                ids += self.seed(1)
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=DEADLINE)
            self.assertEqual((130, "Stopped. The same command goes on from here.\n"), (program.returncode, errors))
        self.run_to_end("--topic", self.topic)
        self.assertEqual(ids, [feedback["id"] for feedback in read_lines(self.file)])

    def test_follows_until_the_end_of_the_range(self):
        ids = self.seed(3)
        self.run_to_end("--topic", self.topic, "--follow", "--to", submitted_at(ids[2]))
        self.assertEqual(ids[:2], [feedback["id"] for feedback in read_lines(self.file)])

    def test_stays_behind_the_present(self):
        ids = self.seed(2)
        self.run_to_end("--topic", self.topic, "--behind", 3600)
        self.assertEqual([], read_lines(self.file))
        self.run_to_end("--topic", self.topic, "--from", "2100-01-01", file=self.folder / "later.jsonl")
        self.run_to_end("--topic", self.topic)
        self.assertEqual(ids, [feedback["id"] for feedback in read_lines(self.file)])

    def test_writes_what_a_filter_wants(self):
        ids = [submit(topic=self.topic, rating=rating) for rating in (1, 2, 3, 4, 5)]
        ids.append(submit(topic=self.topic, email=f"{self.topic}@example.org"))
        submit(topic=f"{self.topic}-2", rating=4)
        triage(ids[0], status="RESOLVED")
        triage(ids[1], status="IN_PROGRESS", addTags=["bug"])
        at = [feedback["submittedAt"] for feedback in ask(NODES, ids=ids)["nodes"]]
        cases = [
            (["--topic", self.topic], ids),
            (["--min-rating", 2, "--max-rating", 3], ids[1:3]),
            (["--min-rating", 4], ids[3:5]),
            (["--status", "RESOLVED"], ids[:1]),
            (["--status", "RESOLVED", "--status", "IN_PROGRESS"], ids[:2]),
            (["--tag", "bug"], ids[1:2]),
            (["--email", f"{self.topic}@EXAMPLE.org"], ids[5:]),
            (["--from", at[2], "--to", at[4]], [id for id, time in zip(ids, at) if at[2] <= time < at[4]]),
            (["--from", at[2].replace("Z", "+00:00")], [id for id, time in zip(ids, at) if at[2] <= time]),
        ]
        for number, (options, wanted) in enumerate(cases):
            with self.subTest(options=options):
                file = self.folder / f"{number}.jsonl"
                self.run_to_end("--topic", self.topic, "--page", 2, *options, file=file)
                self.assertEqual(wanted, [feedback["id"] for feedback in read_lines(file)])

    def test_csv_has_every_field_and_nothing_that_a_spreadsheet_runs(self):
        formulas = ["=1+1", "+1", "-1+2", "@SUM(1)", "=HYPERLINK(\"https://example.org\",\"a;b\")"]
        ids = []
        for n, formula in enumerate(formulas):
            ids.append(submit(topic=f"{formula}{self.topic}", message=formula, email="+@example.org", rating=n + 1,
                              metadata=[{"key": "=k", "value": formula}], pageUrl="https://shop.example.org/"))
            triage(ids[n], note=formula, addTags=[formula, "bug"], status="IN_PROGRESS")
        ids.append(submit(message='Harmless, "quoted",\nin two lines, 🌙 = é', topic=self.topic))
        file = self.folder / "feedback.csv"
        self.run_to_end("--from", submitted_at(ids[0]), file=file)
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
        self.assertEqual([], [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r\n"))])
        rows = {row["id"]: row for row in rows}
        for feedback in ask(NODES, ids=ids)["nodes"]:
            formula = feedback["message"] in formulas
            texts = feedback | feedback.pop("triage")
            cells = {name: "" if value is None else str(value) for name, value in texts.items()}
            for name in ("topic", "message", "email", "note") if formula else ():
                cells[name] = f"'{cells[name]}"
            row = rows[feedback["id"]]
            cells["metadata"] = {entry["key"]: entry["value"] for entry in feedback["metadata"]}
            cells["tags"] = texts["tags"]
            self.assertEqual(cells, row | {name: json.loads(row[name]) for name in ("metadata", "tags")})

    def test_csv_defuses_what_the_service_trims_today(self):
        self.addCleanup(setattr, sys, "dont_write_bytecode", sys.dont_write_bytecode)
        sys.dont_write_bytecode = True
        spec = importlib.util.spec_from_file_location("export", PROGRAM)
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        for text in "\t=1", "\r=1", "\n=1":
            self.assertEqual(f"'{text}", program.defused(text))
        for cell in "1=1", "", None, -1:
            self.assertEqual(cell, program.defused(cell))

    def test_refuses_to_go_on_where_that_would_spoil_the_file(self):
        self.seed(2)
        self.run_to_end("--topic", self.topic)
        whole = self.file.read_bytes()
        refusals = {
            "was begun with another topic, export-[0-9a-f]+ and not search: name": ["--topic", "search"],
            "another minRating, not set and not 4": ["--topic", self.topic, "--min-rating", 4],
            "another format, jsonl and not csv": ["--topic", self.topic, "--format", "csv"],
        }
        for refusal, options in refusals.items():
            self.assertRegex(self.run_to_end(*options, code=1), refusal)
        self.assertEqual(whole, self.file.read_bytes())
        self.file.write_bytes(whole[:-1])
        self.assertIn("is shorter than", self.run_to_end("--topic", self.topic, code=1))
        followed = self.folder / "followed.jsonl"
        self.start("--topic", self.topic, "--follow", file=followed)
        self.eventually(lambda: followed.exists() and followed.read_bytes() == whole)
        self.assertIn("is being written by another run", self.run_to_end("--topic", self.topic, file=followed, code=1))
        foreign = self.folder / "foreign.jsonl"
        foreign.write_text("mine\n")
        self.assertIn("foreign.jsonl exists, and", self.run_to_end("--topic", self.topic, file=foreign, code=1))
        self.assertEqual("mine\n", foreign.read_text())

    def test_ends_with_one_sentence_on_what_is_wrong(self):
        problems = {
            "`topic` must have 1 to 64 characters": ["--topic", ""],
            "`first` must be between 1 and 100, not 101": ["--page", 101],
            "`submittedFrom` must not be later than `submittedTo`": ["--from", "2026-03-02", "--to", "2026-03-01"],
        }
        for problem, options in problems.items():
            self.assertIn(problem, self.run_to_end(*options, code=1))
        self.assertIn("refused", self.run_to_end(url="http://127.0.0.1:1/graphql", code=1))
        self.assertIn("404", self.run_to_end(url=f"{URL}-not", code=1))
        self.assertIn("No such file", self.run_to_end(file=self.folder / "none/feedback.jsonl", code=1))
        self.seed(1)
        self.run_to_end("--topic", self.topic)
        self.assertEqual(1, len(read_lines(self.file)))

    def test_waits_as_a_busy_service_says_and_sends_the_key(self):
        ids = self.seed(3)
        unavailable = {"errors": [{"message": "try again", "extensions": {"code": "SERVICE_UNAVAILABLE"}}]}
        throttled = {"errors": [{"message": "slow down", "extensions": {"code": "TOO_MANY_REQUESTS"}}], "data": None}
        gateway = {"message": "Too Many Requests"}
        busy = [(503, "7", unavailable), (429, "3", throttled), (429, None, gateway), None, (503, None, gateway)]
        keys = set()

        class Front(BaseHTTPRequestHandler):
            def do_POST(self):
                keys.add(self.headers["Authorization"])
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, after, answer = (busy and busy.pop(0)) or (200, None, None)
                answer = answer or httpx.post(URL, content=body, headers={"Content-Type": "application/json"}).json()
                self.send_response(status)
                if after:
                    self.send_header("Retry-After", after)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Front) as front:
            threading.Thread(target=front.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{front.server_port}/graphql"
            output = self.run_to_end("--topic", self.topic, "--page", 2, url=url, key="fb_key", runner=["-c", AWAKE])
            front.shutdown()
        self.assertEqual(["sleeps 7.0", "sleeps 3.0", "sleeps 1.0", "sleeps 1.0"], output.splitlines())
        self.assertEqual({"Bearer fb_key"}, keys)
        self.assertEqual(ids, [feedback["id"] for feedback in read_lines(self.file)])


if __name__ == "__main__":
    unittest.main()
