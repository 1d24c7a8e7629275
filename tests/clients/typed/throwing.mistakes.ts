// What the types for clients that throw must refuse. Each directive is an error itself where its line compiles.

import { graphql } from "./__generated__/throwing/index.js";
import { execute } from "./execute.js";

const Found = graphql(`
  query Found($id: ID!) {
    feedback(id: $id) {
      message
    }
    nodes(ids: [$id]) {
      id
    }
    feedbacks {
      nodes {
        rating
      }
      pageInfo {
        endCursor
      }
    }
  }
`);

export async function mistakes(id: string): Promise<void> {
  const { feedback, nodes, feedbacks } = await execute(Found, { id });
  // @ts-expect-error: there is no such field.
  feedbacks.text;
  // @ts-expect-error: there may be no feedback with this id.
  feedback.message;
  // @ts-expect-error: nor with one of these.
  nodes[0].id;
  // @ts-expect-error: a rating may be missing.
  feedbacks.nodes[0]?.rating.toFixed();
  // @ts-expect-error: an empty page has no cursors.
  feedbacks.pageInfo.endCursor.length;
}
