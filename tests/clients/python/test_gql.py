"""Python's gql, with the schema at hand: documents are checked before they are sent."""

import os
import unittest
import uuid
from pathlib import Path

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from graphql import GraphQLError

SCHEMA = (Path(__file__).parents[3] / "schema.graphql").read_text()
URL = os.environ.get("FEEDBACK_URL", "http://127.0.0.1:4000") + "/graphql"

SUBMIT = """
    mutation Submit($input: SubmitFeedbackInput!) {
      submitFeedback(input: $input) {
        feedback { id message }
        userErrors { field code message }
      }
    }
"""

PAGE = """
    query Page($topic: String!, $after: String) {
      feedbacks(first: 3, after: $after, filter: {topic: $topic}, order: OLDEST_FIRST) {
        nodes { id message submittedAt }
        pageInfo { hasNextPage endCursor }
      }
    }
"""

INBOX = """
    query Inbox($topic: String!, $after: String) {
      feedbacks(first: 3, after: $after, filter: {topic: $topic, status: [OPEN, IN_PROGRESS]}) {
        nodes { id triage { version } }
        pageInfo { hasNextPage endCursor }
      }
    }
"""

TRIAGE = """
    mutation Triage($input: TriageFeedbackInput!) {
      triageFeedback(input: $input) {
        feedback { id triage { status tags version } }
        userErrors { field code message }
      }
    }
"""


class FeedbackTest(unittest.TestCase):
    def setUp(self):
        self.client = Client(schema=SCHEMA, transport=HTTPXTransport(url=URL))
        self.topic = f"python-{uuid.uuid4().hex[:8]}"

    def ask(self, document, **variables):
        request = gql(document)
        request.variable_values = variables
        return self.client.execute(request)

    def submit(self, **fields):
        return self.ask(SUBMIT, input=fields)["submitFeedback"]

    def triage(self, feedback, **change):
        change.update(id=feedback["id"], expectedVersion=feedback["triage"]["version"])
        return self.ask(TRIAGE, input=change)["triageFeedback"]

    def pages(self, document):
        after = None
        while True:
            page = self.ask(document, topic=self.topic, after=after)["feedbacks"]
            yield page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def test_submits_feedback_and_pages_through_it(self):
        messages = [f"Number {n}" for n in range(1, 9)]
        for message in messages:
            payload = self.submit(message=message, topic=self.topic)
            self.assertEqual([], payload["userErrors"])

        pages = list(self.pages(PAGE))
        self.assertEqual(messages, [feedback["message"] for page in pages for feedback in page])
        self.assertEqual(3, len(pages))

    def test_works_through_an_inbox_and_on_from_a_conflict(self):
        for n in range(5):
            self.submit(message=f"Number {n}", topic=self.topic)
        inbox = [feedback for page in self.pages(INBOX) for feedback in page]
        self.assertEqual(5, len(inbox))
        # Somebody else is faster.
        self.triage(inbox[2], addTags=["bug"])
        conflicts = 0
        for feedback in inbox:
            payload = self.triage(feedback, status="RESOLVED")
            if [error["code"] for error in payload["userErrors"]] == ["VERSION_CONFLICT"]:
                conflicts += 1
                self.assertEqual(["bug"], payload["feedback"]["triage"]["tags"])
                payload = self.triage(payload["feedback"], status="RESOLVED")
            self.assertEqual([], payload["userErrors"])
        self.assertEqual(1, conflicts)
        self.assertEqual([[]], list(self.pages(INBOX)))

    def test_gets_what_the_person_can_correct_as_data(self):
        payload = self.submit(message=" ", topic=self.topic)
        self.assertIsNone(payload["feedback"])
        self.assertEqual([(["message"], "BLANK")], [(e["field"], e["code"]) for e in payload["userErrors"]])

    def test_tells_a_bad_argument_by_its_code(self):
        with self.assertRaises(TransportQueryError) as raised:
            self.ask(PAGE, topic=self.topic, after="not a cursor")
        self.assertEqual("BAD_USER_INPUT", raised.exception.errors[0]["extensions"]["code"])

    def test_sends_no_document_that_does_not_fit_the_schema(self):
        with self.assertRaisesRegex(GraphQLError, "Cannot query field 'votes'"):
            self.ask("{ feedbacks { nodes { votes } } }")

    def test_learns_from_the_service_what_is_wrong_with_a_document(self):
        self.client = Client(transport=HTTPXTransport(url=URL))
        with self.assertRaises(TransportQueryError) as raised:
            self.ask("{ feedbacks { nodes { votes } } }")
        self.assertEqual("GRAPHQL_VALIDATION_FAILED", raised.exception.errors[0]["extensions"]["code"])


if __name__ == "__main__":
    unittest.main()
