//! Journeys over HTTP: what a client of the contract sees, through the router in this process and through the real
//! gateway on a socket.
//!
//! A case is an `async fn(Centre)`; its name is the sentence that it proves. [`journeys!`](crate::journeys) runs it
//! through all fronts, [`journeys_in_time!`](crate::journeys_in_time) only in this process, where the clock can be
//! moved. Each case has a [`Centre`] of its own: a tenant, and a neighbour that it must never see. What every answer
//! must have is checked on every answer, in [`Answer`].

mod answer;
mod ask;
mod between;
mod call;
mod centre;
mod front;
mod functions_host;
mod gateway;
mod lambda;
mod load;
mod raw;
mod setting;
mod tool;

pub use answer::Answer;
pub use ask::Ask;
pub use between::{Between, Does};
pub use call::{Call, wav};
pub use centre::{Centre, Person, id};
pub use front::{Front, InProcess};
pub use functions_host::{Case, Invocation, all_through_a_custom_handler, as_custom_handler, from_outside};
pub use gateway::Gateway;
pub use lambda::{Answered, Lambda};
pub use load::{Act, Chance, State, is_long, numbered, pages};
pub use raw::Reply;
pub use setting::{CERTIFICATE_KEY, PASSWORD, SECRET, SUBJECT_KEY, Setting};
pub use tool::{Ran, Tool};

/// Runs cases through all fronts on a file system; and, but for those behind `on files:`, which look at its files or at
/// the bytes that it plays, through gateways on `DynamoDB` and S3 and on Blob Storage, all in one test each, since an emulator takes long to start.
#[macro_export]
macro_rules! journeys {
    ($($case:ident),+ $(,)? $(; on files: $($of_files:ident),+ $(,)?)?) => {
        $crate::journeys![on files: $($case,)+ $($($of_files),+)?];
        #[cfg(feature = "aws")]
        mod aws {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn all_of_these_on_dynamodb_and_s3() {
                let cases: Vec<$crate::http::Case> =
                    vec![$((stringify!($case), |centre| Box::pin(super::$case(centre)))),+];
                $crate::cloud::run($crate::cloud::AWS, cases).await;
            }
        }
        #[cfg(feature = "azure")]
        mod azure {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn all_of_these_on_blob_storage() {
                let cases: Vec<$crate::http::Case> =
                    vec![$((stringify!($case), |centre| Box::pin(super::$case(centre)))),+];
                $crate::cloud::run($crate::cloud::AZURE, cases).await;
            }
        }
    };
    (on files: $($case:ident),+ $(,)?) => {
        mod in_process {
            $(#[tokio::test] async fn $case() { super::$case($crate::http::Centre::in_process().await).await; })+
        }
        mod socket {
            $(#[tokio::test] async fn $case() { super::$case($crate::http::Centre::socket().await).await; })+
        }
        mod custom_handler {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn all_of_these_through_a_custom_handler() {
                let cases: Vec<$crate::http::Case> =
                    vec![$((stringify!($case), |centre| Box::pin(super::$case(centre)))),+];
                $crate::http::all_through_a_custom_handler(cases).await;
            }
        }
        #[cfg(feature = "aws")]
        mod lambda {
            $(#[tokio::test] async fn $case() { super::$case($crate::http::Centre::lambda().await).await; })+
        }
    };
}

/// Runs cases that move the clock: in this process only.
#[macro_export]
macro_rules! journeys_in_time {
    ($($case:ident),+ $(,)?) => {
        mod in_time {
            $(#[tokio::test] async fn $case() { super::$case($crate::http::Centre::in_process().await).await; })+
        }
    };
}
