//! `stockade signin`: a way into the console, once.

use std::process::ExitCode;

use anyhow::Result;

use crate::control::{Client, Link, Request};
use crate::home::HomeArgs;
use crate::output;

pub(crate) fn run(home: &HomeArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let link: Link = Client::reach(&home)?.ask(Request::SignIn)?;
    output::say("Open this link within ten minutes; it works once.");
    output::secret("link", &link.url, None, &home.run().join("signin.url"))?;
    Ok(ExitCode::SUCCESS)
}
