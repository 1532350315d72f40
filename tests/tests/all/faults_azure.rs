//! The fault grid on Azure.

use tests::faults::Container;

tests::grid!(Container);
