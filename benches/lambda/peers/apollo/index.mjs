// The same operations with Apollo Server 5 and its integration for AWS Lambda: server and client made once.

import { randomUUID } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import { handlers, startServerAndCreateLambdaHandler } from '@as-integrations/aws-lambda';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { GraphQLError } from 'graphql';

const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_MESSAGE = 5000;
const TableName = process.env.FEEDBACK_TABLE;

const client = DynamoDBDocumentClient.from(
  new DynamoDBClient({ maxAttempts: 3, requestHandler: { connectionTimeout: 1000, requestTimeout: 2000 } }),
  { marshallOptions: { removeUndefinedValues: true } },
);

const typeDefs = `#graphql
  scalar DateTime

  type Feedback {
    id: ID!
    message: String!
    submittedAt: DateTime!
    rating: Int
    topic: String
    email: String
    pageUrl: String
  }

  type FeedbackEdge {
    cursor: String!
    node: Feedback!
  }

  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  type FeedbackConnection {
    edges: [FeedbackEdge!]!
    pageInfo: PageInfo!
  }

  input SubmitFeedbackInput {
    message: String!
    rating: Int
    topic: String
    email: String
    pageUrl: String
  }

  enum SubmitFeedbackErrorCode {
    BLANK
    OUT_OF_RANGE
    TOO_LONG
  }

  type SubmitFeedbackUserError {
    code: SubmitFeedbackErrorCode!
    field: [String!]!
    message: String!
  }

  type SubmitFeedbackPayload {
    feedback: Feedback
    userErrors: [SubmitFeedbackUserError!]!
  }

  type Query {
    feedbacks(first: Int = ${PAGE_SIZE}, after: String): FeedbackConnection
  }

  type Mutation {
    submitFeedback(input: SubmitFeedbackInput!): SubmitFeedbackPayload
  }
`;

const resolvers = {
  Query: {
    async feedbacks(_, { first, after }) {
      if (first < 1 || first > MAX_PAGE_SIZE) {
        throw new GraphQLError(`first must be 1 to ${MAX_PAGE_SIZE}`, { extensions: { code: 'BAD_USER_INPUT' } });
      }
      const { Items: items } = await client.send(
        new QueryCommand({
          TableName,
          IndexName: 'timeline',
          KeyConditionExpression: after ? '#shard = :shard AND #position < :after' : '#shard = :shard',
          ExpressionAttributeNames: { '#shard': 'timelineShard', ...(after && { '#position': 'timelinePosition' }) },
          ExpressionAttributeValues: { ':shard': 0, ...(after && { ':after': fromCursor(after) }) },
          ScanIndexForward: false,
          Limit: first + 1, // one more than the page holds tells whether there is a next one
        }),
      );
      const edges = items.slice(0, first).map((item) => ({ cursor: toCursor(item), node: toFeedback(item) }));
      return {
        edges,
        pageInfo: {
          hasNextPage: items.length > first,
          hasPreviousPage: Boolean(after),
          startCursor: edges[0]?.cursor,
          endCursor: edges.at(-1)?.cursor,
        },
      };
    },
  },

  Mutation: {
    async submitFeedback(_, { input }) {
      const userErrors = problems(input);
      if (userErrors.length > 0) return { feedback: null, userErrors };
      const feedbackId = randomUUID();
      const millis = Date.now();
      const Item = {
        feedbackId,
        feedback: input.message.trim(),
        timestamp: Math.floor(millis / 1000),
        timelineShard: 0,
        timelinePosition: `${String(millis).padStart(13, '0')}#${feedbackId}`,
        rating: input.rating ?? undefined,
        topic: input.topic ?? undefined,
        email: input.email ?? undefined,
        pageUrl: input.pageUrl ?? undefined,
      };
      await client.send(
        new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(feedbackId)' }),
      );
      return { feedback: toFeedback(Item), userErrors };
    },
  },
};

function problems({ message, rating }) {
  const found = [];
  const text = message.trim();
  if (text === '') found.push({ code: 'BLANK', field: ['message'], message: 'is blank' });
  if ([...text].length > MAX_MESSAGE) found.push({ code: 'TOO_LONG', field: ['message'], message: 'is too long' });
  if (rating != null && (rating < 1 || rating > 5)) {
    found.push({ code: 'OUT_OF_RANGE', field: ['rating'], message: 'must be 1 to 5' });
  }
  return found;
}

function toFeedback(item) {
  return {
    id: item.feedbackId,
    message: item.feedback,
    submittedAt: new Date(Number(item.timelinePosition.slice(0, 13))).toISOString(),
    rating: item.rating,
    topic: item.topic,
    email: item.email,
    pageUrl: item.pageUrl,
  };
}

const toCursor = (item) => Buffer.from(item.timelinePosition).toString('base64url');
const fromCursor = (cursor) => Buffer.from(cursor, 'base64url').toString();

export const handler = startServerAndCreateLambdaHandler(
  new ApolloServer({ typeDefs, resolvers }),
  handlers.createAPIGatewayProxyEventV2RequestHandler(),
);
