//! The file system does what the model does.

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tests::fixture::{Namespace, regions};
use tests::model::steps::a_backend_does_what_the_model_does;

#[test]
fn the_file_system_does_what_the_model_does() {
    let folder = tempfile::tempdir().unwrap();
    a_backend_does_what_the_model_does(|| async {
        let fs = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
        Namespace::new(|tenant| fs.tenant(tenant), ())
    });
}

#[test]
fn the_model_does_what_the_model_does() {
    a_backend_does_what_the_model_does(|| async { Namespace::new(|_| tests::model::storage(), ()) });
}
