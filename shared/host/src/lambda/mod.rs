//! The front on AWS Lambda: requests of an HTTP API run through the routes as on a socket; events of a bucket and of a
//! schedule reach what the function does for them. An event that fails fails the invocation, so that Lambda repeats it
//! or tells of it.

mod event;
mod metrics;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{BoxError, Router};
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::ServiceExt as _;
use lambda_http::{Adapter, Context};
use serde_json::value::{RawValue, to_raw_value};

use self::event::Event;
pub(crate) use self::metrics::EmfRecorder;
use crate::app::App;
use crate::function::EventHandlers;

/// Whether this process was started by Lambda.
pub(crate) fn is_on_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

struct Front {
    app: Arc<App>,
    router: Router,
    events: EventHandlers,
    metrics: EmfRecorder,
}

/// Answers one invocation after the other, until Lambda ends the process.
pub(crate) async fn serve(
    app: Arc<App>,
    router: Router,
    events: EventHandlers,
    metrics: EmfRecorder,
) -> Result<(), BoxError> {
    let front = Arc::new(Front { app, router, events, metrics });
    let invoked = |LambdaEvent { payload, context }: LambdaEvent<Event>| {
        let front = Arc::clone(&front);
        async move {
            let answer = front.answer(payload, context).await;
            // Before the answer: after it Lambda may freeze the process.
            front.metrics.flush();
            answer
        }
    };
    run(service_fn(invoked)).await
}

impl Front {
    async fn answer(&self, event: Event, context: Context) -> Result<Box<RawValue>, BoxError> {
        match event {
            Event::Http(request) => {
                let adapter: Adapter<'_, _, _> = self.router.clone().into();
                let request = LambdaEvent::new(LambdaRequest::ApiGatewayV2(*request), context);
                let Ok(answer) = adapter.oneshot(request).await;
                Ok(to_raw_value(&answer)?)
            }
            Event::Objects(objects) => {
                self.events.dropped(&self.app, &objects).await?;
                nothing()
            }
            Event::Schedule => {
                let scheduled =
                    self.events.on_schedule.ok_or("this function has nothing to do on a schedule")?;
                scheduled(&self.app).await?;
                nothing()
            }
        }
    }
}

fn nothing() -> Result<Box<RawValue>, BoxError> {
    Ok(to_raw_value(&())?)
}
