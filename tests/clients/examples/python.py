import os

from gql import Client, gql
from gql.transport.httpx import HTTPXTransport

url = os.environ.get("FEEDBACK_URL", "http://127.0.0.1:4000") + "/graphql"
client = Client(transport=HTTPXTransport(url=url), fetch_schema_from_transport=True)
answer = client.execute(gql("{ feedbacks(first: 3) { nodes { id message } } }"))
for feedback in answer["feedbacks"]["nodes"]:
    print(feedback["id"], feedback["message"])
