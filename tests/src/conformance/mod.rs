//! The contract of the storage as cases: every sentence of its documentation, and of protocol.md where the contract can
//! say it, is a case of that name. Each runs in a fresh tenant, so that all of them run side by side on any backend.
//!
//! ```ignore
//! tests::conformance!(open, gaps: [an_emulator_cannot_do_this => "why"]);
//! ```
//!
//! makes a test of each, where `open` is an `async fn() -> Namespace`. A gap is listed as ignored, with its why.

pub mod attempts;
pub mod callers;
pub mod cases;
pub mod deposits;
pub mod folders;
pub mod holds;
pub mod mailboxes;
pub mod purge;
pub mod races;
pub mod recordings;
pub mod takings;

/// Every case, as `<theme>: <names>`, handed to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($run:ident) => {
        $run!(callers by_caller_finds_every_message_in_every_mailbox_by_id);
        $run!(callers by_caller_goes_on_after_the_last_marker);
        $run!(callers a_caller_without_messages_has_no_markers);
        $run!(callers an_attempt_under_way_is_found_by_its_caller);
        $run!(callers a_hidden_message_is_found_by_its_caller_until_it_is_a_tombstone);
        $run!(callers a_message_of_a_deleted_mailbox_is_found_by_its_caller);
        $run!(cases a_case_is_opened_once);
        $run!(cases a_case_that_was_never_opened_is_none);
        $run!(cases a_case_is_read_as_it_was_written);
        $run!(cases a_case_that_changed_meanwhile_is_a_conflict);
        $run!(cases an_open_case_is_named_by_each_of_its_subjects_and_watched);
        $run!(cases a_dismissed_case_is_not_watched_and_still_there);
        $run!(cases all_cases_are_told_by_key_in_pages);
        $run!(cases of_two_certificates_that_would_follow_the_same_one_one_does);
        $run!(cases a_message_whose_caller_a_pending_case_forgets_is_created_hidden);
        $run!(cases a_message_whose_caller_two_cases_forget_is_created_with_both_holds);
        $run!(cases a_deposit_that_no_case_covers_is_created_visible);
        $run!(cases a_deposit_older_than_an_erased_case_is_refused_and_leaves_nothing);
        $run!(cases a_deposit_under_way_while_its_case_is_erased_is_refused);
        $run!(cases a_deposit_that_is_cut_off_anywhere_after_its_case_was_erased_shows_nothing);
        $run!(cases erasing_wins_over_a_pending_case_that_covers_the_same_deposit);
        $run!(cases a_case_that_is_erasing_leaves_nothing_of_its_callers);
        $run!(deposits a_message_is_created_new);
        $run!(deposits facts_are_read_as_they_were_written);
        $run!(deposits arriving_counts_what_the_mailbox_holds);
        $run!(deposits arriving_runs_the_put);
        $run!(deposits an_arrival_is_not_yet_a_message);
        $run!(deposits of_two_attempts_of_one_id_exactly_one_is_created);
        $run!(deposits a_commit_asked_again_is_the_same_commit);
        $run!(deposits a_repeat_of_a_deposit_answers_the_message_and_leaves_nothing_of_itself);
        $run!(deposits a_repeat_of_a_deposit_into_a_full_mailbox_answers_the_message_and_its_audio_still_plays);
        $run!(deposits a_repeat_with_other_facts_changes_nothing);
        $run!(deposits a_repeat_tells_where_the_message_is_by_now);
        $run!(deposits a_repeat_while_it_is_purged_answers_gone);
        $run!(deposits a_repeat_after_the_purge_answers_gone);
        $run!(deposits an_attempt_that_was_under_way_during_the_purge_is_not_created_after_it);
        $run!(deposits a_message_without_a_caller_is_deposited_like_any_other);
        $run!(deposits a_message_is_found_in_its_own_mailbox_only);
        $run!(deposits a_tenant_sees_nothing_of_another);
        $run!(deposits mailboxes_with_dots_and_of_64_characters_are_apart);
        $run!(folders marking_read_moves_a_message_from_new_to_old_and_back);
        $run!(folders whoever_marked_it_read_first_stays);
        $run!(folders marking_unread_what_is_unread_changes_nothing);
        $run!(folders what_is_not_visible_cannot_be_marked);
        $run!(folders a_page_is_newest_first);
        $run!(folders a_page_of_one_folder_shows_that_folder_and_one_of_none_shows_new_and_old);
        $run!(folders the_last_page_has_no_next);
        $run!(folders a_mailbox_that_was_never_made_is_empty);
        $run!(folders pages_walk_many_messages_each_exactly_once);
        $run!(folders what_stays_visible_is_shown_once_while_messages_come_and_go_between_pages);
        $run!(folders a_page_goes_on_where_its_cursor_was_purged);
        $run!(folders counts_follow_every_step);
        $run!(holds a_deleted_message_is_in_the_trash_alone_with_its_deadline);
        $run!(holds a_second_delete_does_not_move_the_deadline);
        $run!(holds undo_restores_new_old_and_trash_as_they_were);
        $run!(holds an_undo_of_what_is_not_deleted_changes_nothing);
        $run!(holds what_is_not_there_can_neither_be_held_nor_released);
        $run!(holds what_a_case_hides_is_not_there_for_an_agent);
        $run!(holds undo_of_one_of_two_cases_shows_nothing);
        $run!(holds undo_of_a_case_returns_a_message_to_the_trash_with_its_own_deadline);
        $run!(holds the_trash_keeps_running_while_a_case_hides_it);
        $run!(holds a_hold_put_on_twice_is_one_hold);
        $run!(holds what_went_with_its_mailbox_cannot_be_undone_by_an_agent);
        $run!(holds due_tells_holds_of_the_trash_and_of_a_mailbox_from_their_deadline_on);
        $run!(holds due_tells_the_oldest_first_in_pages_across_hours);
        $run!(holds an_entry_that_is_removed_is_due_no_more);
        $run!(holds a_delete_after_an_undo_has_its_own_deadline);
        $run!(holds a_hold_cut_off_anywhere_is_told_by_due_once_it_is_on);
        $run!(mailboxes a_mailbox_is_made_as_version_1_of_generation_1);
        $run!(mailboxes a_mailbox_that_is_not_as_expected_is_not_written);
        $run!(mailboxes a_conditional_write_asked_again_writes_nothing_twice);
        $run!(mailboxes all_mailboxes_are_told_by_id_without_the_deleted_ones);
        $run!(mailboxes a_deleted_mailbox_is_none);
        $run!(mailboxes versions_go_on_when_a_mailbox_is_deleted_and_made_again);
        $run!(mailboxes messages_of_a_deleted_mailbox_are_held_until_they_are_purged);
        $run!(mailboxes a_mailbox_that_is_made_again_starts_empty);
        $run!(mailboxes a_deposit_of_the_generation_before_never_shows_in_the_mailbox_made_again);
        $run!(mailboxes a_message_created_after_its_generation_is_over_is_created_with_the_mailboxs_hold);
        $run!(mailboxes a_commit_asked_again_after_a_deletion_moves_no_deadline);
        $run!(mailboxes tidying_holds_what_came_into_a_deleted_mailbox_or_an_earlier_generation);
        $run!(mailboxes a_deletion_cut_off_is_finished_when_the_id_is_made_again_or_by_tidy);
        $run!(mailboxes a_group_is_written_if_it_is_as_expected);
        $run!(mailboxes versions_go_on_when_a_group_is_deleted_and_made_again);
        $run!(mailboxes all_groups_are_told_by_id_without_the_deleted_ones);
        $run!(mailboxes a_group_and_a_mailbox_of_one_id_are_apart);
        $run!(mailboxes the_storage_answers_a_ping);
        $run!(purge a_claim_of_a_hold_that_was_taken_off_leaves_the_message_alone);
        $run!(purge a_claim_is_irrevocable);
        $run!(purge a_claim_of_nothing_or_of_what_is_purged_says_gone);
        $run!(purge a_case_claims_a_message_wherever_it_is);
        $run!(purge a_purge_leaves_nothing_but_a_tombstone);
        $run!(purge what_is_not_claimed_becomes_no_tombstone);
        $run!(purge leaving_a_tombstone_is_safe_to_repeat);
        $run!(purge leaving_a_tombstone_cut_off_anywhere_is_finished_by_the_next);
        $run!(purge a_sweep_cut_off_after_any_step_is_finished_by_the_next);
        $run!(purge a_purge_by_a_case_cut_off_after_any_step_is_finished_by_the_next);
        $run!(purge two_sweeps_at_once_are_harmless);
        $run!(purge a_tombstone_is_kept_30_days);
        $run!(purge tidying_changes_nothing_where_nothing_is_wrong);
        $run!(purge tidying_deletes_a_recording_that_no_journal_tells);
        $run!(purge a_recording_that_no_journal_tells_is_found_in_an_hour_that_is_not_over_as_often_as_it_is_asked);
        $run!(cases of_an_undo_and_a_sweep_whose_clocks_differ_one_wins_and_the_answer_says_which);
        $run!(races of_many_attempts_at_once_exactly_one_is_created);
        $run!(races of_a_commit_and_a_fence_that_race_one_wins);
        $run!(races of_an_undo_and_a_claim_that_race_exactly_one_wins);
        $run!(races of_two_deletes_that_race_an_undo_takes_all);
        $run!(races a_mark_that_races_a_delete_is_kept_exactly_if_it_was_answered);
        $run!(races nothing_that_races_a_purge_brings_the_message_back);
        $run!(races a_hold_that_arrives_after_the_undo_is_taken_off_by_its_own_writer);
        $run!(races a_message_created_while_its_case_is_undone_is_not_left_hidden);
        $run!(races a_message_created_while_its_case_is_opened_is_hidden_by_the_next_pass);
        $run!(races a_message_created_while_its_case_begins_erasing_is_purged_or_never_created);
        $run!(races a_case_has_one_fate);
        $run!(races of_writes_that_expect_one_version_exactly_one_is_written);
        $run!(races of_those_who_make_one_thing_exactly_one_makes_it);
        $run!(races of_a_change_and_a_deletion_of_one_version_one_wins);
        $run!(races a_deposit_that_races_the_deletion_of_its_mailbox_is_held_after_tidying);
        $run!(races a_list_during_purges_never_shows_what_was_hidden_before_it_began);
        $run!(races a_list_during_a_hundred_holds_and_releases_shows_each_visible_message_exactly_once);
        $run!(recordings a_recording_is_read_as_it_was_put);
        $run!(recordings a_range_is_read_from_its_first_to_its_last_byte);
        $run!(recordings a_recording_that_is_not_there_is_none);
        $run!(recordings the_same_bytes_under_the_same_key_are_a_repeat);
        $run!(recordings other_bytes_under_the_same_key_are_a_conflict);
        $run!(recordings of_puts_that_race_over_one_key_one_is_stored_whole);
        $run!(recordings a_put_cut_off_anywhere_is_whole_or_not_there);
        $run!(recordings a_deleted_recording_is_gone_and_deleting_it_again_is_harmless);
        $run!(recordings a_recording_scheduled_for_deletion_still_plays_and_its_deletion_can_be_cancelled);
        $run!(recordings schedule_deletion_after_delete_makes_no_object);
        $run!(recordings a_schedule_deletion_that_races_a_delete_brings_nothing_back);
        $run!(recordings a_link_is_a_url_where_the_storage_has_links);
        $run!(recordings each_region_has_its_own_recordings);
        $run!(recordings keys_of_mailboxes_with_dots_are_apart);
        $run!(takings a_message_that_is_taken_says_by_whom_and_since_when);
        $run!(takings what_another_has_taken_is_refused_and_stays_as_it_is);
        $run!(takings taking_again_what_is_ones_own_changes_nothing);
        $run!(takings a_take_over_tells_from_whom_and_raises_the_number_by_two);
        $run!(takings a_message_is_given_back_once_whoever_has_it);
        $run!(takings what_is_not_visible_can_neither_be_taken_nor_given_back);
        $run!(takings a_taking_stays_through_marks_holds_and_releases);
        $run!(takings a_purge_leaves_nothing_of_a_taking);
        $run!(takings tidying_leaves_a_taking_as_it_is);
        $run!(takings counting_tells_the_oldest_new_message_and_how_many_new_ones_are_taken);
        $run!(takings changed_differs_exactly_where_what_new_and_old_show_differs);
        $run!(takings of_32_who_take_a_message_at_once_one_has_it);
        $run!(takings of_those_who_take_a_message_over_at_once_each_has_it_in_turn);
        $run!(takings of_a_give_back_and_a_take_over_that_race_the_new_holder_keeps_it);
        $run!(takings a_take_that_races_a_delete_is_kept_exactly_if_it_was_answered);
        $run!(takings nothing_is_left_of_takings_that_race_a_purge);
        $run!(attempts a_withdrawn_try_leaves_nothing);
        $run!(attempts a_refused_deposit_removes_only_its_own_attempt);
        $run!(attempts withdrawing_never_touches_a_message_that_was_created);
        $run!(attempts an_urgent_try_that_lost_is_not_counted_as_urgent);
        $run!(attempts a_put_that_fails_fails_the_arrival);
        $run!(attempts attempts_that_were_cut_off_are_arriving);
        $run!(attempts an_attempt_that_was_created_or_withdrawn_is_not_arriving);
        $run!(attempts a_slow_deposit_that_was_fenced_fails_and_leaves_nothing);
        $run!(attempts a_fenced_try_is_arriving_until_it_is_withdrawn);
        $run!(attempts fencing_a_message_that_was_created_changes_nothing);
        $run!(attempts a_fence_of_an_attempt_that_lost_leaves_the_winner_alone);
        $run!(attempts a_call_whose_try_was_fenced_may_begin_anew);
        $run!(attempts an_attempt_that_never_arrived_can_be_fenced);
        $run!(attempts a_deposit_cut_off_anywhere_is_created_whole_or_cleaned_away);
        $run!(attempts a_deposit_whose_storage_fails_at_any_call_is_created_whole_or_cleaned_away);
    };
}

/// A test of each case on one backend: see the [module](self).
#[macro_export]
macro_rules! conformance {
    ($open:path) => { $crate::conformance!($open, gaps: []); };
    ($open:path, gaps: [$($gap:ident => $why:literal),* $(,)?]) => {
        macro_rules! conformance_test {
            $(($theme:ident $gap) => {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = $why]
                async fn $gap() {
                    $crate::conformance::$theme::$gap($open().await).await;
                }
            };)*
            ($theme:ident $case:ident) => {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::conformance::$theme::$case($open().await).await;
                }
            };
        }
        $crate::conformance_cases!(conformance_test);
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_list() {
        let list = include_str!("mod.rs");
        let themes = [
            ("callers", include_str!("callers.rs")),
            ("cases", include_str!("cases.rs")),
            ("deposits", include_str!("deposits.rs")),
            ("folders", include_str!("folders.rs")),
            ("holds", include_str!("holds.rs")),
            ("mailboxes", include_str!("mailboxes.rs")),
            ("purge", include_str!("purge.rs")),
            ("races", include_str!("races.rs")),
            ("recordings", include_str!("recordings.rs")),
            ("takings", include_str!("takings.rs")),
            ("attempts", include_str!("attempts.rs")),
        ];
        for (theme, text) in themes {
            for case in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let case = case.split('(').next().unwrap();
                assert!(list.contains(&format!("$run!({theme} {case});")), "$run!({theme} {case});");
            }
        }
    }
}
