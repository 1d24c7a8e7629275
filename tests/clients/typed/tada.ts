// What gql.tada reads from the schema, in use.

import { type FragmentOf, type ResultOf, type VariablesOf, readFragment } from "gql.tada";
import { execute } from "./execute.js";
import { graphql } from "./tada.graphql.js";

const Card = graphql(`
  fragment Card on Feedback {
    id
    message
    rating
    submittedAt
    metadata {
      key
      value
    }
  }
`);

const SubmitFeedback = graphql(
  `
    mutation SubmitFeedback($input: SubmitFeedbackInput!) {
      submitFeedback(input: $input) {
        feedback {
          ...Card
        }
        userErrors {
          field
          code
          message
        }
      }
    }
  `,
  [Card],
);

const FeedbackPage = graphql(
  `
    query FeedbackPage($topic: String!, $after: String) {
      feedbacks(first: 3, after: $after, filter: { topic: $topic }, order: OLDEST_FIRST) {
        nodes {
          ...Card
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [Card],
);

function line(masked: FragmentOf<typeof Card>): string {
  const { message, rating, submittedAt, metadata } = readFragment(Card, masked);
  const pairs = metadata.map(({ key, value }) => `${key}=${value}`);
  const day: string = submittedAt.slice(0, 10);
  return [day, rating?.toFixed(0) ?? "-", message, ...pairs].join(" ");
}

export async function submit(input: VariablesOf<typeof SubmitFeedback>["input"]): Promise<string> {
  const { submitFeedback } = await execute(SubmitFeedback, { input });
  const [problem] = submitFeedback?.userErrors ?? [];
  if (problem?.code === "BLANK") return `nothing in ${problem.field.join(".")}`;
  return line(submitFeedback!.feedback!);
}

export async function list(topic: string): Promise<string[]> {
  const lines: string[] = [];
  let after: string | null = null;
  do {
    const { feedbacks }: ResultOf<typeof FeedbackPage> = await execute(FeedbackPage, { topic, after });
    lines.push(...feedbacks!.nodes.map(line));
    after = feedbacks!.pageInfo.hasNextPage ? feedbacks!.pageInfo.endCursor : null;
  } while (after);
  return lines;
}
