//! Azure keeps the contracts, as far as an emulator shows it.

use tests::azurite::open;

tests::conformance!(open);
