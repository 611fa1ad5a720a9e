//! `almanac auth token`: for scripts against a running `almanac dev`.
//!
//! Invariant: standard output holds the token and nothing else.

use std::process::ExitCode;

use anyhow::Result;
use secrecy::ExposeSecret as _;

use crate::{cli::Auth, dev::Running};

pub(super) async fn run(asked: Auth) -> Result<ExitCode> {
    let Auth::Token { data_dir } = asked;
    let client = Running::find(&data_dir)?.sign_in().await?;
    println!("{}", client.token().await.expose_secret());
    Ok(ExitCode::SUCCESS)
}
