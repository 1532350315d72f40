//! Items of the table that cannot be read any more.

use tests::ministack::running;

tests::damage!(running);
