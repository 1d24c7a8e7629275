// What graphql-codegen generates from the schema, in use.

import { graphql, useFragment, type FragmentType } from "./__generated__/index.js";
import type { SubmitFeedbackInput } from "./__generated__/graphql.js";
import { execute } from "./execute.js";

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

const SubmitFeedback = graphql(`
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
`);

const FeedbackPage = graphql(`
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
`);

function line(key: FragmentType<typeof Card>): string {
  const { message, rating, submittedAt, metadata } = useFragment(Card, key);
  const pairs = metadata.map(({ key, value }) => `${key}=${value}`);
  // The scalar is a string here, as it is on the wire, and not the `any` of a scalar that nobody mapped.
  const day: string = submittedAt.slice(0, 10);
  return [day, rating?.toFixed(0) ?? "-", message, ...pairs].join(" ");
}

export async function submit(input: SubmitFeedbackInput): Promise<string> {
  const { submitFeedback } = await execute(SubmitFeedback, { input });
  const [problem] = submitFeedback?.userErrors ?? [];
  if (problem?.code === "BLANK") return `nothing in ${problem.field.join(".")}`;
  return line(submitFeedback!.feedback!);
}

export async function list(topic: string): Promise<string[]> {
  const lines: string[] = [];
  let after: string | null | undefined;
  do {
    const { feedbacks } = await execute(FeedbackPage, { topic, after });
    lines.push(...feedbacks!.nodes.map(line));
    after = feedbacks!.pageInfo.hasNextPage ? feedbacks!.pageInfo.endCursor : undefined;
  } while (after);
  return lines;
}
