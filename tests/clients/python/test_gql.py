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

    def test_submits_feedback_and_pages_through_it(self):
        messages = [f"Number {n}" for n in range(1, 9)]
        for message in messages:
            payload = self.submit(message=message, topic=self.topic)
            self.assertEqual([], payload["userErrors"])

        found, pages, after = [], 0, None
        while pages == 0 or after:
            page = self.ask(PAGE, topic=self.topic, after=after)["feedbacks"]
            found += [feedback["message"] for feedback in page["nodes"]]
            after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
            pages += 1
        self.assertEqual(messages, found)
        self.assertEqual(3, pages)

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
