//! The fault grid on AWS.

use tests::faults::Table;

tests::grid!(Table);
