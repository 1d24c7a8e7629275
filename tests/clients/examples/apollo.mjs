import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

const uri = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const fields = { feedbacks: relayStylePagination(["filter", "order"]) };
const cache = new InMemoryCache({ typePolicies: { Query: { fields } } });
const client = new ApolloClient({ link: new HttpLink({ uri }), cache });
const mutation = gql`
  mutation ($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) { feedback { id } userErrors { field message } }
  }
`;
const { data } = await client.mutate({ mutation, variables: { input: { message: "Hello!", rating: 5 } } });
console.log(data.submitFeedback.feedback.id);
