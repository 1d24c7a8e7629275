// What the compiler reads. It is not run: where a Babel plugin would put each tag's artifact in its place,
// feedback.ts imports the artifacts by name.

import { graphql } from "relay-runtime";

graphql`
  query FeedbackListQuery($filter: FeedbackFilter, $count: Int!) {
    ...FeedbackList_query @arguments(filter: $filter, count: $count)
  }
`;

graphql`
  fragment FeedbackList_query on Query
  @throwOnFieldError
  @refetchable(queryName: "FeedbackListPaginationQuery")
  @argumentDefinitions(
    filter: { type: "FeedbackFilter" }
    count: { type: "Int!" }
    cursor: { type: "String" }
  ) {
    feedbacks(first: $count, after: $cursor, filter: $filter)
      @connection(key: "FeedbackList_feedbacks") {
      __id
      edges {
        node {
          id
          ...FeedbackCard_feedback
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

graphql`
  fragment FeedbackCard_feedback on Feedback @refetchable(queryName: "FeedbackCardRefetchQuery") {
    message
    rating
    metadata {
      key
      value
    }
  }
`;

graphql`
  mutation SubmitFeedbackMutation($input: SubmitFeedbackInput!, $connections: [ID!]!) {
    submitFeedback(input: $input) {
      feedback @prependNode(connections: $connections, edgeTypeName: "FeedbackEdge") {
        id
        submittedAt
        ...FeedbackCard_feedback
      }
      userErrors {
        field
        code
        message
      }
    }
  }
`;

graphql`
  query BothListingsQuery($after: String) @throwOnFieldError {
    feedbacks(first: 1) {
      nodes {
        id
      }
    }
    quarantinedFeedbacks(first: 1, after: $after) {
      nodes {
        id
      }
    }
  }
`;

graphql`
  query EitherListingQuery($after: String) @throwOnFieldError {
    feedbacks(first: 1) {
      nodes {
        id
      }
    }
    quarantinedFeedbacks(first: 1, after: $after) @catch {
      nodes {
        id
      }
    }
  }
`;

graphql`
  query NumbersQuery($upTo: Int!, $topics: Int!) @throwOnFieldError {
    feedbacks(first: 1) @catch(to: NULL) {
      count(upTo: $upTo) {
        isExact
      }
    }
    feedbackStatistics(from: "2026-03-01", to: "2026-03-01") @catch {
      topics(first: $topics) {
        count
      }
    }
  }
`;

graphql`
  query UnhandledQuery($after: String) {
    feedbacks(first: 1, after: $after) {
      nodes {
        id
      }
    }
  }
`;

graphql`
  mutation TriageMutation($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) @catch {
      feedback {
        id
      }
      userErrors {
        code
      }
    }
  }
`;
