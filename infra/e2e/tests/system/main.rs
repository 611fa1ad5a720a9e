//! The whole system from outside: the real binary, real servers, plain HTTP.
//!
//! Invariant: most tests share one running system and therefore look only at what they made; a test
//! that needs quiet or trouble starts a system of its own. After the last test the shared system
//! must prove that its read models are what its log says, and end cleanly.
//!
//! To run one: `cargo test -p e2e -- NAME`. `ALMANAC_KILLS=50` makes the longest run of kills and
//! `ALMANAC_CHAOS=20` one of kills and pauses; `ALMANAC_BIN` names a binary that is built already.
//! Logs lie in `target/<profile>/e2e`.

mod analyst;
mod api_keys;
mod audit;
mod auditors;
mod certificate;
mod chaos;
mod corruption;
mod crawler;
mod crontab;
mod dbt;
mod deploy;
mod editions;
mod erasure;
mod events;
mod harness;
mod imports;
mod invite;
mod kills;
mod mfa;
mod oidc;
mod ordinary;
mod outages;
mod outside;
mod parked;
mod races;
mod readme;
mod receipts;
mod refusals;
mod schedules;
mod shared;
mod starts;
mod stream;
mod walkthrough;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Most tests wait most of the time.
const THREADS: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let conclusion = libtest_mimic::run(&arguments, trials());
    let ended = runtime().and_then(|runtime| runtime.block_on(shared::finish()));
    match ended {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            println!("the shared system ... FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The slowest first, so that the others run beside them.
fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("crontab", async || {
            crontab::a_job_from_a_crontab_fires_at_its_minute().await
        }),
        trial("kills", async || {
            kills::nothing_acknowledged_is_lost_to_kills().await
        }),
        trial("chaos", async || {
            chaos::slots_and_attempts_survive_kills_and_pauses().await
        }),
        trial("outages", async || {
            outages::servers_may_go_and_come_back().await
        }),
        trial("inventory", async || {
            imports::an_inventory_is_taken_once().await
        }),
        trial("editions", async || {
            editions::reads_and_writes_go_on_through_a_swap().await
        }),
        trial("parked", async || {
            parked::what_is_parked_is_mended_from_the_command_line().await
        }),
        trial("crawler", async || {
            crawler::another_tenant_finds_tells_and_changes_nothing().await
        }),
        trial("refusals", async || {
            refusals::bad_input_is_refused_and_leaves_nothing().await
        }),
        trial("intervals", async || {
            schedules::an_interval_fires_as_previewed().await
        }),
        trial("once", async || {
            schedules::a_once_job_fires_at_its_instant().await
        }),
        trial("by_hand", async || {
            schedules::a_job_is_paused_and_triggered_by_hand().await
        }),
        trial("objects", async || {
            walkthrough::a_write_answers_what_a_read_shows().await
        }),
        trial("task", async || {
            walkthrough::a_task_succeeds_and_tells_its_story().await
        }),
        trial("live", async || {
            stream::a_task_is_seen_live_and_again_after_a_gap().await
        }),
        trial("rivals", async || races::of_rivals_one_wins().await),
        trial("one_key", async || races::one_key_is_one_command().await),
        trial("cut_off", async || {
            races::clients_may_leave_at_any_byte().await
        }),
    ];
    trials.extend(of_starts());
    trials.extend(of_proof());
    trials.extend(of_analysts());
    trials.extend(of_deploy());
    trials.extend(of_workers());
    trials.extend(of_events());
    trials.extend(of_people());
    trials
}

/// What shows that nothing was changed, and finds what was.
fn of_proof() -> Vec<Trial> {
    vec![
        trial("receipts", async || {
            receipts::a_receipt_holds_when_nothing_runs().await
        }),
        trial("corruption", async || {
            corruption::what_was_done_to_the_log_is_found_and_named().await
        }),
        ignorable("corrupt_row", async || {
            corruption::a_row_that_was_changed_is_found_and_named().await
        }),
        trial("certificate", async || {
            certificate::what_readme_tells_of_jobs_works().await
        }),
        trial("auditors", async || {
            auditors::what_readme_tells_them_to_type_works().await
        }),
    ]
}

/// What is seen in SQL.
fn of_analysts() -> Vec<Trial> {
    vec![
        ignorable("analyst", async || {
            analyst::imported_rows_are_seen_in_sql().await
        }),
        ignorable("analysts", async || {
            analyst::what_readme_tells_them_to_type_works().await
        }),
        ignorable("dbt", async || dbt::its_models_are_built_and_tested().await),
    ]
}

/// Whoever starts it, wherever, and how often.
fn of_starts() -> Vec<Trial> {
    vec![
        trial("ordinary", async || {
            ordinary::a_first_start_shows_the_machine_to_whoever_it_belongs().await
        }),
        trial("closed", async || {
            ordinary::a_closed_folder_is_no_obstacle().await
        }),
        trial("starts", async || starts::a_second_start_goes_on().await),
        trial("resumed", async || {
            starts::a_list_is_followed_across_a_kill().await
        }),
        trial("refused_starts", async || {
            starts::what_cannot_start_says_why().await
        }),
    ]
}

/// What other machines are told.
fn of_deploy() -> Vec<Trial> {
    vec![
        trial("deploy_commands", async || {
            deploy::every_command_line_is_understood().await
        }),
        trial("deploy_compose", async || {
            deploy::only_the_gateway_can_be_reached()
        }),
        trial("deploy_nats", async || {
            deploy::nats_server_takes_its_configuration().await
        }),
        trial("deploy_units", async || deploy::units_are_hardened().await),
    ]
}

/// Who does the work.
fn of_workers() -> Vec<Trial> {
    vec![trial("outside", async || {
        outside::a_worker_outside_dies_and_another_goes_on().await
    })]
}

/// The log as it is looked into, copied and made again.
fn of_events() -> Vec<Trial> {
    vec![
        trial("events_import", async || {
            events::a_log_is_the_same_after_it_was_files().await
        }),
        trial("events_list", async || {
            events::filters_cut_what_they_should().await
        }),
        trial("events_tail", async || {
            events::what_happens_is_seen_while_it_is_followed().await
        }),
    ]
}

/// Who somebody is, and what lets them in.
fn of_people() -> Vec<Trial> {
    vec![
        trial("session", async || {
            walkthrough::a_stranger_becomes_a_user().await
        }),
        trial("erasure", async || {
            erasure::who_is_erased_can_be_read_nowhere().await
        }),
        trial("invite", async || {
            invite::whoever_is_invited_lets_themselves_in_once().await
        }),
        trial("mfa", async || mfa::a_second_factor_comes_and_goes().await),
        trial("oidc", async || {
            oidc::who_signs_in_by_an_issuer_is_signed_in().await
        }),
        trial("api_key", async || api_keys::a_key_lives_and_ends().await),
        trial("scopes", async || {
            api_keys::a_scope_opens_what_is_documented().await
        }),
    ]
}

fn trial(name: &'static str, test: impl AsyncFnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || block_on(test))
}

/// A test that may say why it cannot be done here.
fn ignorable(
    name: &'static str,
    test: impl AsyncFnOnce() -> Result<Option<String>> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, || match block_on(test)? {
        None => Ok(Completion::Completed),
        Some(reason) => Ok(Completion::ignored_with(reason)),
    })
}

fn block_on<T>(test: impl AsyncFnOnce() -> Result<T>) -> Result<T, Failed> {
    let outcome = runtime().and_then(|runtime| runtime.block_on(test()));
    outcome.map_err(|error| Failed::from(format!("{error:#}")))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}
