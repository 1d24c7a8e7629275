// What lies in the pretended table: one page of feedback and one item more.

export const PAGE_SIZE = 20;

/** What the submit events say. */
export const MESSAGE =
  'The new checkout is much quicker, thank you! One thing: after I change the delivery address, the voucher that I ' +
  'entered before is gone, and I only noticed when the order was already through. – Zoë';

const TOPICS = ['checkout', 'search', 'delivery', 'account'];
const FIRST_MILLIS = 1_795_420_000_000;

/** Newest first, as the index gives them. */
export const ITEMS = Array.from({ length: PAGE_SIZE + 1 }, (_, index) => {
  const millis = FIRST_MILLIS - index * 61_003;
  const digits = millis.toString(16).padStart(12, '0');
  const tail = (0x1000_0000_0000 + index * 7_919).toString(16).padStart(12, '0');
  return {
    id: `${digits.slice(0, 8)}-${digits.slice(8)}-7abc-8def-${tail}`,
    millis,
    message: `${index + 1}. ${MESSAGE}`,
    rating: 1 + (index % 5),
    topic: TOPICS[index % TOPICS.length],
    email: `reader${index}@example.org`,
    pageUrl: `https://shop.example.org/checkout/step-${index % 4}?variant=b`,
  };
});

/** The same as DynamoDB writes them, in the layout of this service's table. */
export const RECORDS = ITEMS.map(({ id, millis, message, rating, topic, email, pageUrl }) => ({
  feedbackId: { S: id },
  feedback: { S: message },
  timestamp: { N: String(Math.floor(millis / 1000)) },
  timelineShard: { N: '0' },
  timelinePosition: { S: `${String(millis).padStart(13, '0')}#${id}` },
  rating: { N: String(rating) },
  topic: { S: topic },
  email: { S: email },
  pageUrl: { S: pageUrl },
}));
