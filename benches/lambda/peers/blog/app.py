"""The handler that this service grew out of, in the manner of the blog post that shows it.

One resource, made once and used by every invocation. The post's own handler fails on its first event, because
it never imports `time`; here it does.
"""

import json
import os
import time
import uuid

import boto3

table = boto3.resource("dynamodb").Table(os.environ["FEEDBACK_TABLE"])


def lambda_handler(event, context):
    try:
        message = json.loads(event["body"])["feedback"]
        item = {"feedbackId": str(uuid.uuid4()), "feedback": message, "timestamp": int(time.time())}
        table.put_item(Item=item)
    except Exception as error:
        return {"statusCode": 500, "body": json.dumps({"error": str(error)})}
    return {"statusCode": 200, "body": json.dumps({"message": "Feedback submitted successfully!"})}
