//! Cases: what time has decided for each, the one that must be gone first before the others, and those that were undone last.

use domain::Status;
use metrics::counter;
use privacy::erasure;
use storage::{StorageError, Versioned};

use crate::sweep::Sweep;

/// Sweeps every case that is watched.
pub(crate) async fn all(sweep: &mut Sweep<'_>) -> Result<(), StorageError> {
    let (app, tenancy) = (sweep.app, sweep.tenancy);
    let erasure = erasure(app, tenancy);
    let mut cases = Vec::new();
    for key in tenancy.metadata().watched_cases().await? {
        match tenancy.metadata().case(&key).await {
            Ok(case) => cases.extend(case.map(|Versioned { value: case, .. }| {
                (case.status == Status::Undone, case.deadlines.purge_at, key)
            })),
            Err(error) => sweep.report.fail(&error, "a case could not be read"),
        }
    }
    cases.sort();
    for (_, _, key) in cases {
        if !sweep.in_time() {
            break;
        }
        match erasure.sweep_case(&key, &|says| app.certify(says), &|| sweep.in_time()).await {
            Ok(case) => {
                sweep.report.purged += case.purged;
                sweep.report.failed += case.failed;
                counter!("voicemail_erasures_overdue_total").increment(case.overdue.into());
            }
            Err(error) => sweep.report.fail(&error, "a case could not be swept"),
        }
    }
    Ok(())
}
