// What the compiler's types must refuse. Each directive is an error itself where its line compiles.

import type { EitherListingQuery$data } from "./__generated__/EitherListingQuery.graphql";
import type { FeedbackList_query$data } from "./__generated__/FeedbackList_query.graphql";
import type { NumbersQuery$data } from "./__generated__/NumbersQuery.graphql";
import type { UnhandledQuery$data } from "./__generated__/UnhandledQuery.graphql";

export function mistakes(
  fragment: FeedbackList_query$data,
  unhandled: UnhandledQuery$data,
  either: EitherListingQuery$data,
  numbers: NumbersQuery$data,
): void {
  // @ts-expect-error: there is no such field.
  fragment.feedbacks.text;
  // @ts-expect-error: nothing throws, so the listing may be missing.
  unhandled.feedbacks.nodes;
  // @ts-expect-error: the error is caught here, and has to be looked for.
  either.quarantinedFeedbacks.value.nodes;
  // @ts-expect-error: the error is caught here, as null.
  numbers.feedbacks.count;
}
