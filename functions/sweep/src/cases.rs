//! Cases: what time has decided for each, the one that must be gone first before the others, and those that were undone last.

use domain::Status;
use host::{App, Tenancy};
use metrics::counter;
use privacy::erasure;
use storage::{StorageError, Versioned};

use crate::swept::Swept;

/// Sweeps every case that is watched.
pub(crate) async fn all(
    app: &App,
    tenancy: &Tenancy,
    in_time: &(dyn Fn() -> bool + Sync),
    swept: &mut Swept,
) -> Result<(), StorageError> {
    let erasure = erasure(app, tenancy);
    let mut cases = Vec::new();
    for key in tenancy.index().watched_cases().await? {
        match tenancy.index().case(&key).await {
            Ok(case) => cases.extend(case.map(|Versioned { value: case, .. }| {
                (case.status == Status::Undone, case.deadlines.purge_at, key)
            })),
            Err(error) => swept.fail(&error, "a case could not be read"),
        }
    }
    cases.sort();
    for (_, _, key) in cases {
        if !in_time() {
            break;
        }
        match erasure.sweep_case(&key, &|says| app.certify(says), in_time).await {
            Ok(case) => {
                swept.purged += case.purged;
                swept.failed += case.failed;
                counter!("voicemail_erasures_overdue_total").increment(case.overdue.into());
            }
            Err(error) => swept.fail(&error, "a case could not be swept"),
        }
    }
    Ok(())
}
