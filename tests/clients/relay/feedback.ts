// A list of feedback as Relay's hooks handle it, without React.

import {
  type IEnvironment,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
} from "relay-runtime";
import { waitForFragmentData } from "relay-runtime/experimental";
import FeedbackCardFragment, { type FeedbackCard_feedback$key } from "./__generated__/FeedbackCard_feedback.graphql";
import FeedbackCardRefetchQuery, {
  type FeedbackCardRefetchQuery as FeedbackCardRefetch,
} from "./__generated__/FeedbackCardRefetchQuery.graphql";
import FeedbackListPaginationQuery, {
  type FeedbackListPaginationQuery as FeedbackListPagination,
} from "./__generated__/FeedbackListPaginationQuery.graphql";
import FeedbackListQuery, {
  type FeedbackFilter,
  type FeedbackListQuery as FeedbackList,
} from "./__generated__/FeedbackListQuery.graphql";
import FeedbackListFragment, { type FeedbackList_query$key } from "./__generated__/FeedbackList_query.graphql";
import SubmitFeedbackMutation, {
  type SubmitFeedbackInput,
  type SubmitFeedbackMutation as SubmitFeedback,
} from "./__generated__/SubmitFeedbackMutation.graphql";

export class List {
  private constructor(
    private readonly environment: IEnvironment,
    private readonly variables: FeedbackList["variables"],
    private readonly key: FeedbackList_query$key,
  ) {}

  static async open(environment: IEnvironment, filter: FeedbackFilter, count: number): Promise<List> {
    const variables = { filter, count };
    // What no list shows any more, the store forgets.
    environment.retain(createOperationDescriptor(getRequest(FeedbackListQuery), variables));
    const key = await fetchQuery<FeedbackList>(environment, FeedbackListQuery, variables).toPromise();
    return new List(environment, variables, key!);
  }

  /** What the list shows, with all pages that were loaded. */
  async shown() {
    const { feedbacks } = await waitForFragmentData(this.environment, FeedbackListFragment, this.key);
    return feedbacks;
  }

  async loadNext(): Promise<void> {
    const { pageInfo } = await this.shown();
    const variables = { ...this.variables, cursor: pageInfo.endCursor };
    await fetchQuery<FeedbackListPagination>(this.environment, FeedbackListPaginationQuery, variables).toPromise();
  }

  /** Submits feedback, and puts it at the head of the list. */
  async submit(input: SubmitFeedbackInput): Promise<NonNullable<SubmitFeedback["response"]["submitFeedback"]>> {
    const { __id } = await this.shown();
    const variables = { input, connections: [__id] };
    return new Promise((resolve, reject) =>
      commitMutation<SubmitFeedback>(this.environment, {
        mutation: SubmitFeedbackMutation,
        variables,
        onCompleted: ({ submitFeedback }) => resolve(submitFeedback!),
        onError: reject,
      }),
    );
  }
}

/** The fields that a card shows. */
export function card(environment: IEnvironment, key: FeedbackCard_feedback$key) {
  return waitForFragmentData(environment, FeedbackCardFragment, key);
}

/** The same, asked for again by the id alone. */
export async function refetchedCard(environment: IEnvironment, id: string) {
  const variables = { id };
  const data = await fetchQuery<FeedbackCardRefetch>(environment, FeedbackCardRefetchQuery, variables).toPromise();
  return card(environment, data!.node!);
}
