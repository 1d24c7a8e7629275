//! A function that answers every request with the same sentence, with `lambda_http` alone.

use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(async |_: Request| {
        Ok::<_, Error>("{\"message\":\"Feedback submitted successfully!\"}")
    }))
    .await
}
