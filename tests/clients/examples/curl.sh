curl --silent --show-error "${FEEDBACK_URL:-http://127.0.0.1:4000}/graphql" \
  --header 'Content-Type: application/json' \
  --data '{"query":"{ feedbacks(first: 3) { nodes { id message } } }"}'
