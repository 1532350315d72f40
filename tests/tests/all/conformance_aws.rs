//! AWS keeps the contracts, as far as an emulator shows it.

use tests::ministack::open;

tests::conformance!(open);
