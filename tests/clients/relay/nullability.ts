// Null and errors, as Relay types them by `@semanticNonNull` in the schema.

import { type GraphQLTaggedNode, type IEnvironment, type OperationType, commitMutation, fetchQuery } from "relay-runtime";
import BothListingsQuery, { type BothListingsQuery as BothListings } from "./__generated__/BothListingsQuery.graphql";
import EitherListingQuery, {
  type EitherListingQuery as EitherListing,
} from "./__generated__/EitherListingQuery.graphql";
import NumbersQuery, { type NumbersQuery as Numbers } from "./__generated__/NumbersQuery.graphql";
import TriageMutation, { type TriageMutation as Triage } from "./__generated__/TriageMutation.graphql";

async function ask<Query extends OperationType>(
  environment: IEnvironment,
  query: GraphQLTaggedNode,
  variables: Query["variables"],
): Promise<Query["response"]> {
  const data = await fetchQuery<Query>(environment, query, variables).toPromise();
  return data!;
}

/** How many pieces each listing shows, the second after a cursor. Throws where one of them fails. */
export async function bothListings(environment: IEnvironment, after: string | null): Promise<number[]> {
  const { feedbacks, quarantinedFeedbacks } = await ask<BothListings>(environment, BothListingsQuery, { after });
  return [feedbacks.nodes.length, quarantinedFeedbacks.nodes.length];
}

/** The same, with the errors of the second in its place where it fails. */
export async function eitherListing(environment: IEnvironment, after: string | null): Promise<unknown[]> {
  const { feedbacks, quarantinedFeedbacks } = await ask<EitherListing>(environment, EitherListingQuery, { after });
  const second = quarantinedFeedbacks.ok ? quarantinedFeedbacks.value.nodes.length : quarantinedFeedbacks.errors;
  return [feedbacks.nodes.length, second];
}

/** Whether a listing has at most `upTo` items, and how many topics a day has of the first `topics`. */
export async function numbers(environment: IEnvironment, upTo: number, topics: number): Promise<unknown[]> {
  const { feedbacks, feedbackStatistics } = await ask<Numbers>(environment, NumbersQuery, { upTo, topics });
  const caught = feedbackStatistics.ok ? feedbackStatistics.value.topics.length : feedbackStatistics.errors;
  return [feedbacks && feedbacks.count.isExact, caught];
}

/** The codes of what is wrong with a change, or the errors with which all of it failed. */
export async function triage(environment: IEnvironment, input: Triage["variables"]["input"]): Promise<unknown> {
  const { triageFeedback } = await new Promise<Triage["response"]>((onCompleted, onError) =>
    commitMutation<Triage>(environment, { mutation: TriageMutation, variables: { input }, onCompleted, onError }),
  );
  return triageFeedback.ok ? triageFeedback.value.userErrors.map(({ code }) => code) : triageFeedback.errors;
}
