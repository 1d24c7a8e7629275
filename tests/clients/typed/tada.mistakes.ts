// What the generated types must refuse. Each directive is an error itself where its line compiles.

import { execute } from "./execute.js";
import { graphql } from "./tada.graphql.js";

const Messages = graphql(`
  query Messages($first: Int!) {
    feedbacks(first: $first) {
      nodes {
        message
        rating
      }
    }
  }
`);

export async function mistakes(): Promise<void> {
  const { feedbacks } = await execute(Messages, { first: 3 });
  // @ts-expect-error: there is no such field.
  feedbacks?.nodes[0]?.text;
  // @ts-expect-error: the listing may be missing.
  feedbacks.nodes;
  // @ts-expect-error: a rating may be missing.
  feedbacks?.nodes[0]?.rating.toFixed();
  // @ts-expect-error: the variable is required.
  await execute(Messages, {});
  // @ts-expect-error: the variable is a number.
  await execute(Messages, { first: "3" });
}
