//! The fault grid: each operation and each sweep with every call of the storage contracts failed in turn, before its
//! effect and after it, alone and with all that follow.
//!
//! Each case is run twice from the same state: once the operation is repeated without faults, once only the clock moves
//! and the sweep comes. The answer must be honest, the state a legal one, the end the right one, and nothing left over.

pub mod breaker;
pub mod cases;
pub mod clouds;
#[cfg(feature = "azure")]
pub mod container;
pub mod damage;
pub mod folder;
pub mod grid;
pub mod ground;
pub mod requests;
pub mod settle;
pub mod sweeps;
#[cfg(feature = "aws")]
pub mod table;
pub mod view;
pub mod world;

pub use breaker::Level;
#[cfg(feature = "azure")]
pub use container::Container;
pub use folder::Folder;
pub use grid::{Grid, Kind, Operation};
pub use ground::{Contents, Ground, content};
#[cfg(feature = "aws")]
pub use table::Table;
pub use world::World;
