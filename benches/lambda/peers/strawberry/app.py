"""The same operations with Strawberry: schema and client made once, the event handed straight to the schema.

There is no web framework between the event and the schema. One would be slower, and this needs none.
"""

import base64
import json
import os
import time
import uuid
from datetime import datetime, timezone
from enum import Enum
from typing import Optional

import boto3
import strawberry
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config

PAGE_SIZE, MAX_PAGE_SIZE, MAX_MESSAGE = 20, 100, 5000

config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "max_attempts": 3})
table = boto3.resource("dynamodb", config=config).Table(os.environ["FEEDBACK_TABLE"])


@strawberry.type
class Feedback:
    id: strawberry.ID
    message: str
    submitted_at: datetime
    rating: Optional[int]
    topic: Optional[str]
    email: Optional[str]
    page_url: Optional[str]


@strawberry.type
class FeedbackEdge:
    cursor: str
    node: Feedback


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: Optional[str]
    end_cursor: Optional[str]


@strawberry.type
class FeedbackConnection:
    edges: list[FeedbackEdge]
    page_info: PageInfo


@strawberry.input
class SubmitFeedbackInput:
    message: str
    rating: Optional[int] = None
    topic: Optional[str] = None
    email: Optional[str] = None
    page_url: Optional[str] = None


@strawberry.enum
class SubmitFeedbackErrorCode(Enum):
    BLANK = "BLANK"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    TOO_LONG = "TOO_LONG"


@strawberry.type
class SubmitFeedbackUserError:
    code: SubmitFeedbackErrorCode
    field: list[str]
    message: str


@strawberry.type
class SubmitFeedbackPayload:
    feedback: Optional[Feedback]
    user_errors: list[SubmitFeedbackUserError]


def problems(given: SubmitFeedbackInput) -> list[SubmitFeedbackUserError]:
    codes, found = SubmitFeedbackErrorCode, []
    message = given.message.strip()
    if not message:
        found.append(SubmitFeedbackUserError(code=codes.BLANK, field=["message"], message="is blank"))
    elif len(message) > MAX_MESSAGE:
        found.append(SubmitFeedbackUserError(code=codes.TOO_LONG, field=["message"], message="is too long"))
    if given.rating is not None and not 1 <= given.rating <= 5:
        found.append(SubmitFeedbackUserError(code=codes.OUT_OF_RANGE, field=["rating"], message="must be 1 to 5"))
    return found


def submit_feedback(input: SubmitFeedbackInput) -> SubmitFeedbackPayload:
    if found := problems(input):
        return SubmitFeedbackPayload(feedback=None, user_errors=found)
    feedback_id, millis = str(uuid.uuid4()), time.time_ns() // 1_000_000
    item = {
        "feedbackId": feedback_id,
        "feedback": input.message.strip(),
        "timestamp": millis // 1000,
        "timelineShard": 0,
        "timelinePosition": f"{millis:013}#{feedback_id}",
        "rating": input.rating,
        "topic": input.topic,
        "email": input.email,
        "pageUrl": input.page_url,
    }
    item = {name: value for name, value in item.items() if value is not None}
    table.put_item(Item=item, ConditionExpression=Attr("feedbackId").not_exists())
    return SubmitFeedbackPayload(feedback=to_feedback(item), user_errors=[])


def feedbacks(first: int = PAGE_SIZE, after: Optional[str] = None) -> FeedbackConnection:
    if not 1 <= first <= MAX_PAGE_SIZE:
        raise ValueError(f"first must be 1 to {MAX_PAGE_SIZE}")
    condition = Key("timelineShard").eq(0)
    if after is not None:
        condition &= Key("timelinePosition").lt(base64.urlsafe_b64decode(after).decode())
    # One more than the page holds tells whether there is a next one.
    answer = table.query(
        IndexName="timeline", KeyConditionExpression=condition, ScanIndexForward=False, Limit=first + 1
    )
    items = answer["Items"]
    edges = [FeedbackEdge(cursor=to_cursor(item), node=to_feedback(item)) for item in items[:first]]
    page_info = PageInfo(
        has_next_page=len(items) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return FeedbackConnection(edges=edges, page_info=page_info)


def to_cursor(item: dict) -> str:
    return base64.urlsafe_b64encode(item["timelinePosition"].encode()).decode()


def to_feedback(item: dict) -> Feedback:
    millis = int(item["timelinePosition"][:13])
    rating = item.get("rating")
    return Feedback(
        id=item["feedbackId"],
        message=item["feedback"],
        submitted_at=datetime.fromtimestamp(millis / 1000, timezone.utc),
        rating=None if rating is None else int(rating),
        topic=item.get("topic"),
        email=item.get("email"),
        page_url=item.get("pageUrl"),
    )


@strawberry.type
class Query:
    feedbacks: FeedbackConnection = strawberry.field(resolver=feedbacks)


@strawberry.type
class Mutation:
    submit_feedback: SubmitFeedbackPayload = strawberry.mutation(resolver=submit_feedback)


schema = strawberry.Schema(query=Query, mutation=Mutation)


def lambda_handler(event, context):
    body = event["body"]
    request = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    result = schema.execute_sync(
        request["query"], variable_values=request.get("variables"), operation_name=request.get("operationName")
    )
    answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(answer),
    }
